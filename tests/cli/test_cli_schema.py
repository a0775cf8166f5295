"""`xds schema`: what editors are given."""

import json

from cli.console import Xds
from xds.config.schema import config_schema, settings_schema


def test_the_schema_of_each_file_is_printed(xds: Xds) -> None:
    config, settings = xds.start("schema", "config"), xds.start("schema", "settings")
    other = xds.start("schema", "other")

    assert (config.finish().code, settings.finish().code) == (0, 0)
    assert json.loads(config.finish().out) == config_schema()
    assert json.loads(settings.finish().out) == settings_schema()
    assert other.finish().code == 2
