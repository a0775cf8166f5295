"""Know the command line: one module for each command."""

from importlib import metadata
from typing import Annotated

import typer

from xds.cli.bootstrap import bootstrap
from xds.cli.demo import demo
from xds.cli.life import tune_interpreter
from xds.cli.migrate import migrate
from xds.cli.render import render
from xds.cli.schema import schema
from xds.cli.serve import serve
from xds.cli.status import status
from xds.cli.up import up
from xds.cli.validate import validate


def _tell_version(asked: bool) -> None:  # noqa: FBT001  typer calls it so
    if asked:
        typer.echo(f"xds {metadata.version('semantic-router-xds')}")
        raise typer.Exit


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Run an Envoy control plane for fleets of LLM servers."""


for command in (serve, up, demo, validate, render, migrate, schema, bootstrap, status):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    tune_interpreter()
    app(prog_name="xds")
