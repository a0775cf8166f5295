"""Know what single values in a file may be, in the words that errors say of them.

Times are `datetime.timedelta`.
"""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from xds.config.addresses import canonical, faults, is_ip

MAX_WEIGHT: Final = 4294967295

_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_NUMBER: Final = r"[0-9]{1,9}"
# Up to four parts, as Go writes them: 1h2m3s4ms.
_PARTS: Final = rf"({_NUMBER}(\.[0-9]{{1,3}})?(s|m|h)|{_NUMBER}ms){{1,4}}"
_DURATION: Final = re.compile(rf"{_PARTS}\Z")
_PART: Final = re.compile("([0-9.]+)(ms|s|m|h)")
DURATION_PATTERN: Final = rf"^{_PARTS}$"


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not _DURATION.match(value):
        message = "is no duration"
        raise ValueError(message)
    parts = (float(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(value))
    # Envoy counts in milliseconds; less than one would be none, which often means no limit.
    return timedelta(milliseconds=round(sum(parts)))


Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
_LONGEST: Final = timedelta(days=365)
_A_TIME: Final = "a duration with its unit, such as 10s, 500ms or 5m, up to 8760h"
_A_TIME_OR_NONE: Final = f"{_A_TIME}; 0s for no limit"

PositiveDuration = Annotated[
    Duration,
    Field(gt=timedelta(0), le=_LONGEST, description=f"{_A_TIME}, above zero"),
]
# https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_proc/v3/ext_proc.proto#envoy-v3-api-field-extensions-filters-http-ext-proc-v3-externalprocessor-message-timeout
MessageTimeout = Annotated[
    Duration,
    Field(
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="a duration with its unit, such as 10s, 500ms or 5m, above zero, up to 1h",
    ),
]
# Envoy does the work of an interval each time, for each endpoint.
Interval = Annotated[
    Duration,
    Field(ge=timedelta(milliseconds=100), le=_LONGEST, description=f"{_A_TIME}, from 100ms on"),
]
Limit = Annotated[
    Duration,
    Field(ge=timedelta(0), le=_LONGEST, description=_A_TIME_OR_NONE),
]
Count = Annotated[
    int,
    Field(strict=True, ge=1, le=MAX_WEIGHT, description=f"a whole number from 1 to {MAX_WEIGHT}"),
]
Port = Annotated[
    int,
    Field(strict=True, ge=1, le=65535, description="a whole number from 1 to 65535"),
]


def _ip(value: str) -> str:
    if not is_ip(value):
        message = "no IP address"
        raise ValueError(message)
    return value


ListenAddress = Annotated[
    str,
    AfterValidator(_ip),
    Field(description="an IP address, such as 0.0.0.0 or 127.0.0.1"),
]


def _host(value: str) -> str:
    if faults(value, allow_domain_names=True):
        message = "no host"
        raise ValueError(message)
    return canonical(value.strip())


Host = Annotated[
    str,
    AfterValidator(_host),
    Field(description="an IP address or a host name alone, such as 10.0.0.5 or semantic-router"),
]
Switch = Annotated[bool, Field(strict=True, description="true or false")]
NAME_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="a name in quotes")]


# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
CONDITIONS: Final = (
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure"),
    *("envoy-ratelimited", "retriable-4xx", "refused-stream"),
)
_CONDITIONS_LISTED: Final = ", ".join(CONDITIONS)


def _retry_conditions(value: str) -> str:
    wanted = [condition.strip() for condition in value.split(",")]
    if unknown := set(wanted) - set(CONDITIONS):
        message = f"{', '.join(sorted(unknown))}: no such condition"
        raise ValueError(message)
    return ",".join(wanted)


RetryConditions = Annotated[
    str,
    AfterValidator(_retry_conditions),
    Field(description=f"conditions with commas between them, out of {_CONDITIONS_LISTED}"),
]
LbPolicy = Annotated[
    Literal["round_robin", "least_request"],
    Field(description="round_robin or least_request"),
]
HttpPath = Annotated[str, Field(pattern=r"^/[!-~]*$", description="a path, such as /health")]
Consecutive = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_WEIGHT,
        description=f"a whole number up to {MAX_WEIGHT}; 0 for no ejection",
    ),
]
Share = Annotated[int, Field(strict=True, ge=0, le=100, description="a whole number from 0 to 100")]


class Part(BaseModel):
    """A frozen part of a file, in which an unknown key is an error.

    A key with nothing behind it counts as left out, unless nothing is a value of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: object) -> object:
        return without_nothing(cls, value)


def without_nothing(model: type[BaseModel], value: object) -> object:
    """Return a mapping without the keys that have no value, where one can be left out."""
    if not isinstance(value, dict):
        return value
    fields = model.model_fields.items()
    kept = {name for name, info in fields if info.is_required() or info.default is None}
    return {key: each for key, each in value.items() if each is not None or key in kept}


class Entry(BaseModel):
    """A part of the router's file: what does not bear on routing is none of our business."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: object) -> object:
        return without_nothing(cls, value)


EndpointWeight = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_WEIGHT,
        description=f"a whole number from 1 to {MAX_WEIGHT}, or 0 to drain the endpoint",
    ),
]
Protocol = Annotated[
    Literal["http", "https"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    Field(description="http or https"),
]


class Lora(Entry):
    """A LoRA adapter that is served with its base model."""

    name: Name


Loras = Annotated[list[Lora], Field(description="a list of mappings with a name")]
