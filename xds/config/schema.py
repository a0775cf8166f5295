"""Know the JSON Schemas of the router's file and of our settings, as the models here have them.

https://json-schema.org/draft/2020-12
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from xds.config.fields import DURATION_PATTERN
from xds.config.flat_schema import FlatConfig
from xds.config.providers_schema import CanonicalConfig, UserConfig
from xds.config.settings import Settings

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Writes durations as they stand in files."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401  any field's default
        if isinstance(dft, timedelta):
            return f"{dft.total_seconds():g}s"
        return super().encode_default(dft)


def settings_schema() -> JsonSchemaValue:
    """Return the schema of the settings file."""
    schema = Settings.model_json_schema(schema_generator=_Generator)
    head = {"$schema": _DIALECT, "title": "Settings of semantic-router-xds"}
    return head | _plain(schema)


def config_schema() -> JsonSchemaValue:
    """Return the schema of the router's file, in whichever dialect it is.

    It knows what bears on endpoints and routing; whatever else the router reads is allowed.
    """
    refs, definitions = models_json_schema(
        [(model, "validation") for model in (FlatConfig, UserConfig, CanonicalConfig)],
        schema_generator=_Generator,
    )
    flat, user, canonical = (
        refs[model, "validation"] for model in (FlatConfig, UserConfig, CanonicalConfig)
    )
    return {
        "$schema": _DIALECT,
        "title": "Configuration of vLLM Semantic Router, as far as semantic-router-xds reads it",
        "type": "object",
        "if": {"anyOf": [{"required": ["vllm_endpoints"]}, {"required": ["model_config"]}]},
        "then": flat,
        "else": {
            "if": {"required": ["version"], "properties": {"version": {"enum": ["v0.1", "v0.2"]}}},
            "then": user,
            "else": canonical,
        },
        **_plain(definitions),
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without what says nothing: titles, and defaults that repeat others."""
    plain = {
        key: _plain_value(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and isinstance(value, dict | None))
    }
    if plain.get("type") == "string" and "le" in plain:
        # The bounds of durations, which JSON Schema can not compare.
        kept = {key: value for key, value in plain.items() if key not in {"ge", "gt", "le"}}
        return kept | {"pattern": DURATION_PATTERN}
    return plain


def _plain_value(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return _plain(value)
    return [_plain_value(each) for each in value] if isinstance(value, list) else value
