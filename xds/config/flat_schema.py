"""Know the fields of dialect A, and which keys the router itself knows there."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xds.config.gateway import MAX_WEIGHT, NAME_PATTERN, Name, Port, without_nothing

EndpointName = Annotated[
    str, Field(pattern=NAME_PATTERN, description="the name of an endpoint in quotes")
]


class _Entry(BaseModel):
    """A part of the router's file: what does not bear on routing is none of our business."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: object) -> object:
        return without_nothing(cls, value)


class FlatEndpoint(_Entry):
    """An item of `vllm_endpoints`."""

    name: Name
    address: Annotated[str, Field(description="an IP address in quotes, such as 10.0.0.10")]
    port: Port
    weight: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MAX_WEIGHT,
            description=f"a whole number from 1 to {MAX_WEIGHT}, or 0 to drain the endpoint",
        ),
    ] = 1


class FlatLora(_Entry):
    """An item of `model_config.<name>.loras`."""

    name: Name


class FlatModel(_Entry):
    """A value of `model_config`."""

    preferred_endpoints: Annotated[
        list[EndpointName], Field(description="a list of endpoint names")
    ] = []
    loras: Annotated[list[FlatLora], Field(description="a list of mappings with a name")] = []


class FlatConfig(_Entry):
    """The keys of the file that say where requests go."""

    vllm_endpoints: Annotated[
        list[Any], Field(min_length=1, description="a list of at least one endpoint")
    ]
    models: Annotated[
        dict[str, Any] | None,
        Field(alias="model_config", description="a mapping of model names"),
    ] = None
    default_model: Annotated[str | None, Field(description="the name of a model in quotes")] = None


KNOWN: Final = ("vllm_endpoints", "model_config", "default_model")
KNOWN_OF_ENDPOINT: Final = (
    *FlatEndpoint.model_fields,
    "type",
    "api_key",
    "provider_profile",
    "model",
    "protocol",
    "path",
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
