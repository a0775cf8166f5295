"""Know the command line: one module for each command."""

import typer

from xds.cli.bootstrap import bootstrap
from xds.cli.demo import demo
from xds.cli.render import render
from xds.cli.serve import serve
from xds.cli.up import up
from xds.cli.validate import validate

app = typer.Typer(
    help="An Envoy control plane for fleets of LLM servers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, up, demo, validate, render, bootstrap):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    app(prog_name="xds")
