"""`xds validate`: every mistake in every file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from xds.cli.life import BAD, failures_told, tell_warnings
from xds.cli.options import SettingsFile, Strict
from xds.cli.render import static_json
from xds.config.gateway import Gateway
from xds.config.problems import ConfigError
from xds.dataplane import find_envoy, judge
from xds.files import Files, load_files
from xds.translate import translate


def validate(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="Files to check.")],
    settings: SettingsFile = None,
    strict: Strict = False,
    envoy: Annotated[
        bool, typer.Option("--envoy", help="Also have a real Envoy accept the result.")
    ] = False,
) -> None:
    """Tell every mistake in every CONFIG; exit with 1 if there is one."""
    bad = False
    for config in configs:
        try:
            loaded = load_files(Files(config, settings, strict))
        except ConfigError as error:
            typer.echo(str(error), err=True)
            bad = True
            continue
        tell_warnings(loaded)
        refused = _refused_by_envoy(loaded.gateway) if envoy else None
        if refused:
            typer.echo(f"{config}: Envoy refuses what this becomes: {refused}", err=True)
            bad = True
        else:
            inside = f", in {loaded.inside}" if loaded.inside else ""
            typer.echo(f"{config}: ok, {_counted(loaded.gateway)}{inside}")
    if bad:
        raise typer.Exit(BAD)


def _refused_by_envoy(gateway: Gateway) -> str | None:
    with failures_told():
        return asyncio.run(judge(find_envoy(), static_json(translate(gateway.without_secrets()))))


def _counted(gateway: Gateway) -> str:
    endpoints, models = len(gateway.endpoints), len(gateway.models)
    return f"{endpoints} endpoint{'s'[: endpoints != 1]}, {models} model{'s'[: models != 1]}"
