"""`xds migrate`: an old file, in the form that today's routers read."""

from pathlib import Path
from typing import Annotated

import typer

from xds.cli.life import failures_told
from xds.cli.options import SettingsFile
from xds.config.migration import migrate as migrated
from xds.files import Files, read
from xds.translate.text import to_yaml


def migrate(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A file of router v0.1 or v0.2.")],
    settings: SettingsFile = None,
) -> None:
    """Print OLD in the form of version v0.3, which routers read since then.

    What its author has to do besides is told on standard error.
    """
    with failures_told():
        new, warnings = migrated(*read(Files(old, settings), wait=True).good())
    for warning in warnings:
        typer.echo(str(warning), err=True)
    typer.echo(to_yaml(new), nl=False)
