"""`xds schema`: what editors need to complete and check the files."""

from enum import StrEnum
from typing import Annotated

import typer

from xds.config.schema import config_schema, settings_schema
from xds.translate.text import to_json


class File(StrEnum):
    """Which file is described."""

    CONFIG = "config"
    SETTINGS = "settings"


def schema(
    file: Annotated[File, typer.Argument(help="The router's file, or our own settings.")],
) -> None:
    """Print the JSON Schema of a file, for editors that complete and check it."""
    typer.echo(to_json(config_schema() if file is File.CONFIG else settings_schema()), nl=False)
