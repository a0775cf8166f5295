"""Know the fields of dialect A, and which keys the router itself knows there."""

from typing import Annotated, Final

from pydantic import Field, SkipValidation

from xds.config.fields import (
    NAME_PATTERN,
    EndpointWeight,
    Entry,
    Loras,
    Name,
    Port,
    Protocol,
)

EndpointName = Annotated[
    str, Field(pattern=NAME_PATTERN, description="the name of an endpoint in quotes")
]


class FlatEndpoint(Entry):
    """An item of `vllm_endpoints`."""

    name: Name
    address: Annotated[str, Field(description="an IP address in quotes, such as 10.0.0.10")]
    port: Port
    weight: EndpointWeight = 1
    protocol: Protocol = "http"
    path: Annotated[str, Field(pattern=r"^(/|$)", description="a path, such as /v1")] = ""
    model: Annotated[str | None, Field(description="the name of a model in quotes")] = None


class FlatModel(Entry):
    """A value of `model_config`."""

    preferred_endpoints: Annotated[
        list[EndpointName], Field(description="a list of endpoint names")
    ] = Field(default_factory=list)
    loras: Loras = Field(default_factory=list)


class FlatProfile(Entry):
    """A value of `provider_profiles`: a provider in the place of an address and a port."""

    # Missing only where no endpoint uses it.
    base_url: Annotated[
        str | None, Field(description="a URL, such as https://api.example.com/v1")
    ] = None


class ProfiledEndpoint(Entry):
    """An item of `vllm_endpoints` with a `provider_profile`, which says where it is."""

    name: Name
    provider_profile: Annotated[str, Field(description="the name of a provider profile")]
    weight: EndpointWeight = 1
    model: Annotated[str | None, Field(description="the name of a model in quotes")] = None


class FlatConfig(Entry):
    """The keys of the file that say where requests go; what is in them is checked one by one."""

    vllm_endpoints: Annotated[
        list[SkipValidation[FlatEndpoint | ProfiledEndpoint]],
        Field(min_length=1, description="a list of at least one endpoint"),
    ]
    models: Annotated[
        dict[str, SkipValidation[FlatModel | None]] | None,
        Field(alias="model_config", description="a mapping of model names"),
    ] = None
    provider_profiles: Annotated[
        dict[str, SkipValidation[FlatProfile]] | None,
        Field(description="a mapping of provider profiles"),
    ] = None
    default_model: Annotated[str | None, Field(description="the name of a model in quotes")] = None


# Where names stand: in the file, in an endpoint and in a model; and which keys are named by users.
NAMES: Final = ("default_model",)
NAMES_OF_ENDPOINT: Final = ("name", "model", "provider_profile")
NAMES_OF_MODEL: Final = ("preferred_endpoints.*", "loras.*.name")
NAMED: Final = ("model_config", "provider_profiles")
# What is written at a place in another form of the file is written so in this one.
ELSEWHERE: Final = {
    "listeners": "`listener` in the settings, or the whole file in the form of `version: v0.3`"
}
KNOWN: Final = ("vllm_endpoints", "model_config", "provider_profiles", "default_model")
KNOWN_OF_ENDPOINT: Final = (
    *FlatEndpoint.model_fields,
    "provider_profile",
    "type",
    "api_key",
    "api_key_env",
    "models",
    "health_check_path",
)
KNOWN_OF_MODEL: Final = (
    *FlatModel.model_fields,
    "reasoning_family",
    "access_key",
    "pricing",
    "param_size",
    "api_format",
    "description",
    "capabilities",
    "quality_score",
    "external_model_ids",
    "modality",
    "image_gen_backend",
    "pii_policy",
)

KNOWN_OF_PROFILE: Final = (
    "type",
    "base_url",
    "auth_header",
    "auth_prefix",
    "extra_headers",
    "api_version",
    "chat_path",
)
# What old files still say and no router reads any more.
LEFT_OVERS: Final = {
    "models": (
        "does not choose what is sent here, since October 2025; "
        "name this endpoint in `preferred_endpoints` of each model in `model_config`"
    ),
    "health_check_path": (
        "does not check anything, since September 2025; "
        "write `resilience: {health_check: {path: ...}}` in the settings"
    ),
}
