"""Know the JSON Schemas of the router's file and of our settings, as the models here have them.

https://json-schema.org/draft/2020-12
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import reduce
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from xds.config.fields import (
    CONDITIONS,
    DURATION_PATTERN,
    NAME_PATTERN,
    Host,
    ListenAddress,
    Protocol,
    RetryConditions,
)
from xds.config.flat_schema import ELSEWHERE, FlatConfig, FlatEndpoint, FlatModel, FlatProfile
from xds.config.gateway import RESERVED_HEADERS, Routing
from xds.config.providers_schema import (
    ELSEWHERE_IN_CANONICAL,
    ELSEWHERE_IN_CANONICAL_MODEL,
    ELSEWHERE_IN_USER,
    ELSEWHERE_IN_USER_MODEL,
    CanonicalConfig,
    ListenerEntry,
    UserConfig,
)
from xds.config.settings import Settings

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# What functions check in the reader, as far as a pattern can say it.
_BYTE: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"{_BYTE}(\.{_BYTE}){{3}}"
_IPV6: Final = rf"[0-9A-Fa-f:]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*({_IPV4})?"
_LABEL: Final = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN: Final = rf"({_LABEL}\.)*(?![0-9]+\.?(\s|[:/]|$)|0[xX]){_LABEL}\.?"
_PATH: Final = r'(/[!"$->@-\[\]-~]*)?'
_SCHEME: Final = "[hH][tT][tT][pP][sS]?://"
_SERVER: Final = rf"({_DOMAIN}|{_IPV4}|\[{_IPV6}\])(:0*[1-9][0-9]{{0,4}})?{_PATH}"
_CONDITION: Final = rf"\s*({'|'.join(CONDITIONS)})\s*"
# A reference to an environment variable, whose value nobody knows here.
_REFERENCE: Final = r"\$[{\w]"
# As pydantic writes a bound that is zero.
_NO_TIME: Final = "PT0S"
_NAME: Final = r"^(?=\S)[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s]$"


def _said(kind: Any) -> str:  # noqa: ANN401  any annotated type
    """Return what a type says of itself, by which its schemas are known."""
    return next(str(one.description) for one in get_args(kind) if isinstance(one, FieldInfo))


def _of(model: type[BaseModel], name: str) -> str:
    return str(model.model_fields[name].description)


_FORMS: Final[Mapping[str, JsonSchemaValue]] = {
    _said(ListenAddress): {"pattern": f"^({_IPV4}|{_IPV6})$"},
    _said(Host): {"pattern": rf"^\s*({_IPV4}|{_IPV6}|{_DOMAIN})\s*$"},
    _said(RetryConditions): {"pattern": f"^{_CONDITION}(,{_CONDITION})*$"},
    _said(Protocol): {"enum": ["http", "https", "HTTP", "HTTPS"]},
    _of(Routing, "model_header"): {"not": {"enum": sorted(RESERVED_HEADERS)}},
    _of(FlatEndpoint, "address"): {"pattern": rf"^\s*({_IPV4}|{_IPV6}|{_DOMAIN})\s*$"},
    _of(FlatEndpoint, "path"): {"pattern": f"^{_PATH}$"},
    _of(FlatProfile, "base_url"): {"pattern": rf"^$|^\s*{_SCHEME}{_SERVER}\s*$"},
    _of(FlatConfig, "models"): {"propertyNames": {"pattern": _NAME}},
    _of(FlatModel, "preferred_endpoints"): {"uniqueItems": True},
    _of(ListenerEntry, "api_keys"): {"uniqueItems": True},
}


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
    definitions = {**_definitions(FlatConfig), **_definitions(UserConfig, CanonicalConfig)}
    _complete_flat(definitions)
    _complete_nested(definitions)
    return {
        "$schema": _DIALECT,
        "title": "Configuration of vLLM Semantic Router, as far as semantic-router-xds reads it",
        "type": "object",
        "if": {"anyOf": [{"required": ["vllm_endpoints"]}, {"required": ["model_config"]}]},
        "then": {"$ref": "#/$defs/FlatConfig"},
        "else": {
            "if": _is_user_config(),
            "then": {"$ref": "#/$defs/UserConfig"},
            "else": {"$ref": "#/$defs/CanonicalConfig"},
        },
        "$defs": definitions,
    }


def _definitions(*models: type[BaseModel]) -> dict[str, Any]:
    """Return the definitions of models; all but those of dialect A may refer to variables."""
    _, found = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Generator
    )
    return _plain(found["$defs"], refers=FlatConfig not in models)


def _is_user_config() -> JsonSchemaValue:
    """Return the schema of what is dialect B: by its version, or else by what its models have."""
    said = {"enum": ["v0.1", "v0.2", "0.1", "0.2", 0.1, 0.2]}
    models = {"allOf": [_has("endpoints"), {"not": _has("backend_refs")}]}
    providers = {"required": ["models"], "properties": {"models": models}}
    return {
        "anyOf": [
            {"required": ["version"], "properties": {"version": said}},
            {
                "required": ["providers"],
                "properties": {"version": {"type": "null"}, "providers": providers},
            },
        ]
    }


def _has(key: str, **of_value: object) -> JsonSchemaValue:
    """Return the schema of a list with an item that has a key."""
    item = {"type": "object", "required": [key], "properties": {key: of_value}}
    return {"type": "array", "contains": item}


def _complete_flat(definitions: dict[str, Any]) -> None:
    """Add what the models of dialect A leave to their reader."""
    config = definitions["FlatConfig"]
    given = {"not": {"enum": ["", None]}}
    config["properties"]["vllm_endpoints"]["items"] = {
        "if": {"required": ["provider_profile"], "properties": {"provider_profile": given}},
        "then": {"$ref": "#/$defs/ProfiledEndpoint"},
        "else": {"$ref": "#/$defs/FlatEndpoint"},
    }
    config["allOf"] = [_nothing_at(place) for place in ELSEWHERE]


def _complete_nested(definitions: dict[str, Any]) -> None:
    """Add what the models of dialects B and C leave to their readers."""
    for name, key, other, elsewhere, of_model in (
        ("User", "endpoints", "backend_refs", ELSEWHERE_IN_USER, ELSEWHERE_IN_USER_MODEL),
        (
            *("Canonical", "backend_refs", "endpoints"),
            *(ELSEWHERE_IN_CANONICAL, ELSEWHERE_IN_CANONICAL_MODEL),
        ),
    ):
        places = (*elsewhere, *(f"providers.models.*.{place}" for place in of_model))
        definitions[f"{name}Config"]["allOf"] = [_nothing_at(place) for place in places]
        models = definitions[f"{name}Providers"]["properties"]["models"]
        models |= _has(key, type="array", minItems=1)
        properties = models["items"]["properties"]
        properties[other] = False
        properties[key]["items"] |= _with_server()


def _with_server() -> JsonSchemaValue:
    """Return what is asked of a backend: `endpoint`, or else `base_url`, which then counts."""
    bare = f"{_REFERENCE}|^\\s*({_SCHEME})?({_SERVER}|{_IPV6})\\s*$"
    url = {"type": "string", "pattern": rf"{_REFERENCE}|^\s*{_SCHEME}{_SERVER}\s*$"}
    given = {"type": "string", "minLength": 1}
    return {
        "if": {"required": ["endpoint"], "properties": {"endpoint": given}},
        "then": {"properties": {"endpoint": {"pattern": bare}}},
        "else": {"required": ["base_url"], "properties": {"base_url": url}},
    }


def _nothing_at(place: str) -> JsonSchemaValue:
    """Return the schema of what has nothing at a place, such as `providers.models.*.name`."""
    nothing: JsonSchemaValue = {"enum": [None, "", []]}
    return reduce(
        lambda inner, step: {"items": inner} if step == "*" else {"properties": {step: inner}},
        reversed(place.split(".")),
        nothing,
    )


def _plain(schema: Mapping[str, Any], *, refers: bool = False) -> dict[str, Any]:
    """Return a schema without what says nothing: titles, and defaults that repeat others.

    `refers` tells that texts may refer to environment variables.
    """
    plain = {
        key: _plain_value(value, refers=refers)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and isinstance(value, dict | None))
    }
    if isinstance(said := plain.get("description"), str):
        plain |= _FORMS.get(said, {})
    if plain.get("type") == "string":
        plain = _text(plain)
        return _or_reference(plain) if refers else plain
    if plain.get("type") == "object" and "properties" in plain:
        required = plain.get("required", ())
        plain["properties"] = {
            name: value if name in required else _or_nothing(value)
            for name, value in plain["properties"].items()
        }
    return plain


def _plain_value(value: Any, *, refers: bool) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return _plain(value, refers=refers)
    if isinstance(value, list):
        return [_plain_value(each, refers=refers) for each in value]
    return value


def _text(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a text with the pattern of what it is."""
    if schema.get("pattern") == NAME_PATTERN:
        return schema | {"pattern": _NAME}
    if "le" not in schema:
        return schema
    # The bounds of durations, of which a pattern can only tell whether there may be none.
    kept = {key: value for key, value in schema.items() if key not in {"ge", "gt", "le"}}
    is_positive = schema.get("ge") != _NO_TIME
    pattern = DURATION_PATTERN.replace("^", "^(?=.*[1-9])", 1) if is_positive else DURATION_PATTERN
    return kept | {"pattern": pattern}


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a text that may refer to a variable in the place of what is right."""
    if "enum" in schema:
        rest = {key: value for key, value in schema.items() if key != "enum"}
        return rest | {"anyOf": [{"enum": schema["enum"]}, {"pattern": _REFERENCE}]}
    if "pattern" in schema and not re.search(schema["pattern"], "${VARIABLE}"):
        return schema | {"pattern": f"{schema['pattern']}|{_REFERENCE}"}
    return schema


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what a key may have, or may not: then it counts as left out."""
    nothing = {"type": "null"}
    options = schema.get("anyOf", [schema])
    if "$ref" in options[0]:
        # Not any of two schemas, of which no validator knows whose mistakes to tell.
        rest = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
        return rest | {"if": nothing, "else": {"$ref": options[0]["$ref"]}}
    if isinstance(schema.get("type"), str):
        found = schema | {"type": [schema["type"], "null"]}
        return found | {"enum": [*schema["enum"], None]} if "enum" in schema else found
    if "anyOf" in schema and nothing not in options:
        return schema | {"anyOf": [*options, nothing]}
    return schema
