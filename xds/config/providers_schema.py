"""Know the fields of dialects B and C, in which every model lists its own endpoints."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, SkipValidation, model_validator

from xds.config.fields import (
    Consecutive,
    EndpointWeight,
    Entry,
    HttpPath,
    Interval,
    LbPolicy,
    Limit,
    ListenAddress,
    Loras,
    Name,
    Port,
    PositiveDuration,
    Protocol,
    RetryConditions,
    Share,
)

ApiKey = Annotated[str, Field(pattern=r"^[!-~]+$", description="a key in quotes, without spaces")]
Server = Annotated[
    str,
    Field(description="a server as host:port or a URL in quotes, such as 10.0.0.10:8000"),
]
DefaultModel = Annotated[str | None, Field(description="the name of a model in quotes")]
_MODELS: Final = "a list of at least one model"


class ListenerEntry(Entry):
    """An item of `listeners`."""

    name: Name
    address: ListenAddress
    port: Port
    timeout: Limit | None = None
    api_keys: Annotated[list[ApiKey], Field(description="a list of keys")] = Field(
        default_factory=list
    )


class BackendRef(Entry):
    """An item of `backend_refs`."""

    name: Name | None = None
    endpoint: Server | None = None
    base_url: Annotated[
        str | None, Field(description="a URL in quotes, such as https://api.example.com/v1")
    ] = None
    protocol: Protocol = "http"
    weight: EndpointWeight = 1


# The router takes them for left out where they are empty.
_TEXTS: Final = (
    *("lb_policy", "retry_on", "base_ejection_time"),
    *("health_check_path", "health_check_interval", "health_check_timeout"),
)


def _or_empty(schema: dict[str, Any]) -> None:
    """Have a JSON Schema allow what `Reliability` leaves out."""
    properties = schema["properties"]
    for key in _TEXTS:
        properties[key] = {"anyOf": [properties[key], {"const": ""}]}


class Reliability(Entry):
    """A model's `reliability`, with the router's own defaults and ranges."""

    model_config = ConfigDict(json_schema_extra=_or_empty)

    lb_policy: LbPolicy = "round_robin"
    retry_count: Annotated[
        int, Field(strict=True, ge=0, le=5, description="a whole number from 0 to 5")
    ] = 0
    retry_on: RetryConditions = "connect-failure,refused-stream"
    consecutive_5xx: Consecutive = 0
    base_ejection_time: PositiveDuration = timedelta(seconds=30)
    max_ejection_percent: Share = 50
    health_check_path: HttpPath | None = None
    health_check_interval: Interval = timedelta(seconds=10)
    health_check_timeout: PositiveDuration = timedelta(seconds=2)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each != "" or key not in _TEXTS}


class ModelEntry(Entry):
    """What an item of `providers.models` is in both dialects."""

    name: Name


class CanonicalModel(ModelEntry):
    """An item of `providers.models` in dialect C."""

    backend_refs: Annotated[
        list[SkipValidation[BackendRef]], Field(description="a list of backends")
    ] = Field(default_factory=list)
    reliability: Annotated[Reliability | None, Field(description="a mapping")] = None


class ModelCard(Entry):
    """An item of `routing.modelCards`."""

    name: Name
    loras: Loras = Field(default_factory=list)


class Defaults(Entry):
    """What `providers.defaults` says of routing."""

    default_model: DefaultModel = None
    # As routers from 0.4 on call it.
    model: DefaultModel = None


class CanonicalProviders(Entry):
    """`providers` of dialect C."""

    models: Annotated[
        list[SkipValidation[CanonicalModel]], Field(min_length=1, description=_MODELS)
    ]
    defaults: Annotated[Defaults | None, Field(description="a mapping")] = None


class CanonicalRouting(Entry):
    """`routing` of dialect C."""

    cards: Annotated[
        list[SkipValidation[ModelCard]],
        Field(alias="modelCards", description="a list of model cards"),
    ] = Field(default_factory=list)


class NestedConfig(Entry):
    """The keys of the file that are the same in both dialects."""

    version: Annotated[Any, Field(description="v0.1 or v0.3")] = None
    listeners: Annotated[
        list[SkipValidation[ListenerEntry]] | None, Field(description="a list of listeners")
    ] = None


class CanonicalConfig(NestedConfig):
    """A file of dialect C."""

    providers: Annotated[CanonicalProviders, Field(description="a mapping with `models`")]
    routing: Annotated[CanonicalRouting | None, Field(description="a mapping")] = None


class UserEndpoint(BackendRef):
    """An item of `endpoints`, which must have a name and a server."""

    name: Name
    endpoint: Server


class UserModel(ModelEntry):
    """An item of `providers.models` in dialect B."""

    endpoints: Annotated[
        list[SkipValidation[UserEndpoint]], Field(description="a list of endpoints")
    ] = Field(default_factory=list)
    loras: Loras = Field(default_factory=list)


class UserProviders(Entry):
    """`providers` of dialect B."""

    models: Annotated[list[SkipValidation[UserModel]], Field(min_length=1, description=_MODELS)]
    default_model: DefaultModel = None


class UserConfig(NestedConfig):
    """A file of dialect B."""

    providers: Annotated[UserProviders, Field(description="a mapping with `models`")]


# In these, and in nothing else, references to environment variables are filled in.
READ: Final = frozenset(
    info.alias or name
    for entry in (
        *(CanonicalConfig, CanonicalProviders, CanonicalRouting, CanonicalModel, Defaults),
        *(UserConfig, UserProviders, UserModel, ListenerEntry, BackendRef, ModelCard, Reliability),
    )
    for name, info in entry.model_fields.items()
)
# Where names stand, but for those in models and their endpoints.
NAMES_OF_CANONICAL: Final = (
    "listeners.*.name",
    "providers.defaults.default_model",
    "providers.defaults.model",
)
NAMES_OF_CARD: Final = ("name", "loras.*.name")
NAMES_OF_USER: Final = ("listeners.*.name", "providers.default_model")
# What is written at a place in another form of the file is written so in this one: in the file, and
# in a model.
ELSEWHERE_IN_CANONICAL: Final = {
    "default_model": "`providers.defaults.default_model`",
    "providers.default_model": "`providers.defaults.default_model`",
}
ELSEWHERE_IN_CANONICAL_MODEL: Final = {
    "loras": "`loras` in the card of this model, in `routing.modelCards`"
}
ELSEWHERE_IN_USER: Final = {
    "default_model": "`providers.default_model`",
    "providers.defaults.default_model": "`providers.default_model`",
    "providers.defaults.model": "`providers.default_model`",
    "routing.modelCards.*.loras": "`loras` of this model, in `providers.models`",
}
ELSEWHERE_IN_USER_MODEL: Final = {
    "reliability": "`resilience` of this model, in `models` of the settings, or `version: v0.3`"
}
_KNOWN_OF_MODEL: Final = ("reasoning_family", "pricing", "api_format", "external_model_ids")
KNOWN_OF_LISTENER: Final = tuple(ListenerEntry.model_fields)
KNOWN_OF_RELIABILITY: Final = tuple(Reliability.model_fields)
KNOWN_OF_CARD: Final = (
    *ModelCard.model_fields,
    *("param_size", "context_window_size", "description", "capabilities", "tags"),
    *("quality_score", "modality"),
)
KNOWN_OF_CANONICAL: Final = (
    *("version", "listeners", "providers", "routing"),
    *("entrypoints", "recipes", "global", "setup"),
)
KNOWN_OF_CANONICAL_PROVIDERS: Final = ("models", "defaults")
KNOWN_OF_CANONICAL_MODEL: Final = (
    *CanonicalModel.model_fields,
    *_KNOWN_OF_MODEL,
    *("provider_model_id", "catalog", "reasoning"),
)
KNOWN_OF_BACKEND: Final = (
    *BackendRef.model_fields,
    *("type", "provider", "auth_header", "auth_prefix", "extra_headers", "api_version"),
    *("chat_path", "api_key", "api_key_env"),
)
KNOWN_OF_USER: Final = (
    *("version", "listeners", "providers", "signals", "decisions"),
    *("memory", "embedding_models", "reasoning_families"),
)
KNOWN_OF_USER_PROVIDERS: Final = (
    *UserProviders.model_fields,
    *("reasoning_families", "default_reasoning_effort", "external_models"),
)
KNOWN_OF_USER_MODEL: Final = (
    *UserModel.model_fields,
    *_KNOWN_OF_MODEL,
    *("access_key", "param_size", "description", "capabilities", "quality_score", "modality"),
)
