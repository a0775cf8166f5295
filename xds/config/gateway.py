"""Know what a gateway is, whichever file described it: models, their endpoints, how to treat them.

Every value here is frozen. Times are `datetime.timedelta`, sizes bytes, shares percent.
"""

import re
from dataclasses import dataclass, field
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

from xds.config.addresses import is_ip

MAX_WEIGHT: Final = 4294967295

_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(s|m|h)\Z|([0-9]{1,9})(ms)\Z")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        message = "is no duration"
        raise ValueError(message)
    number, unit = match[1] or match[3], match[2] or match[4]
    # Envoy counts in milliseconds; less than one would be none, which often means no limit.
    return timedelta(milliseconds=round(float(number) * _MILLISECONDS[unit]))


Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
_LONGEST: Final = timedelta(days=365)
_A_TIME: Final = "a duration with its unit, such as 10s, 500ms or 5m, up to 8760h"
_A_TIME_OR_NONE: Final = f"{_A_TIME}; 0s for no limit"

PositiveDuration = Annotated[
    Duration,
    Field(gt=timedelta(0), le=_LONGEST, description=f"{_A_TIME}, above zero"),
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
NAME_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="a name in quotes")]


# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on
_CONDITIONS: Final = (
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure"),
    *("envoy-ratelimited", "retriable-4xx", "refused-stream"),
)
_CONDITIONS_LISTED: Final = ", ".join(_CONDITIONS)
# Changing these would break the request itself.
_RESERVED_HEADERS: Final = frozenset(
    ("host", "connection", "content-length", "content-type", "te", "transfer-encoding", "upgrade")
)


def _retry_conditions(value: str) -> str:
    if unknown := set(value.split(",")) - set(_CONDITIONS):
        message = f"{', '.join(sorted(unknown))}: no such condition"
        raise ValueError(message)
    return value


def _free_header(value: str) -> str:
    if value in _RESERVED_HEADERS:
        message = "a header with a meaning of its own"
        raise ValueError(message)
    return value


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


class OutlierDetection(Part):
    """When an endpoint is ejected from its pool, and for how long.

    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
    """

    consecutive_5xx: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MAX_WEIGHT,
            description=f"a whole number up to {MAX_WEIGHT}; 0 for no ejection",
        ),
    ] = 5
    interval: Interval = timedelta(seconds=10)
    base_ejection_time: PositiveDuration = timedelta(seconds=30)
    max_ejection_percent: Annotated[
        int,
        Field(strict=True, ge=0, le=100, description="a whole number from 0 to 100"),
    ] = 100


class HealthCheck(Part):
    """How endpoints are asked whether they are well."""

    path: Annotated[str, Field(pattern=r"^/[!-~]*$", description="a path, such as /health")]
    interval: Interval = timedelta(seconds=10)
    timeout: PositiveDuration = timedelta(seconds=2)


class Retry(Part):
    """When a request is tried again on another endpoint, and how often after the first try."""

    on: Annotated[
        str,
        AfterValidator(_retry_conditions),
        Field(description=f"conditions with commas between them, out of {_CONDITIONS_LISTED}"),
    ] = "connect-failure,refused-stream,reset"
    attempts: Annotated[
        int,
        Field(strict=True, ge=0, le=100, description="a whole number from 0 to 100"),
    ] = 2


class CircuitBreaker(Part):
    """How much one pool takes at once."""

    max_connections: Count = 1024
    max_pending_requests: Count = 1024
    max_requests: Count = 4096


class Timeout(Part):
    """How long each thing may take."""

    request: Limit = timedelta(seconds=300)
    idle: Limit = timedelta(seconds=300)
    connect: PositiveDuration = timedelta(seconds=5)
    # Below the 5 s after which uvicorn, and so vLLM, closes an idle connection: the side that
    # closes first never sends a request into a connection that the other is just closing.
    upstream_idle: Limit = timedelta(seconds=4)


class Resilience(Part):
    """How a pool of endpoints is treated."""

    lb_policy: Annotated[
        Literal["round_robin", "least_request"],
        Field(description="round_robin or least_request"),
    ] = "round_robin"
    outlier_detection: OutlierDetection = OutlierDetection()
    health_check: HealthCheck | None = None
    retry: Retry = Retry()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    timeout: Timeout = Timeout()


class Routing(Part):
    """How a request finds its model."""

    model_header: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9!#$%&'*+.^_`|~-]+$",
            description="a header name of your own in lower case, such as x-selected-model",
        ),
        AfterValidator(_free_header),
    ] = "x-selected-model"
    unknown_model: Annotated[
        Literal["default", "reject"], Field(description="default or reject")
    ] = "default"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: an IP address or a host name, and how much of its pool's traffic it takes.

    Weight 0 means drained. Priority 0 serves first; the next one when that is unhealthy.
    """

    name: str
    address: str
    port: int
    weight: int = 1
    priority: int = 0
    zone: str = ""

    @property
    def is_ip(self) -> bool:
        """Whether the address is one already, and no name to be resolved."""
        return is_ip(self.address)


@dataclass(frozen=True, slots=True)
class Model:
    """A model, the endpoints that serve it, and the LoRA adapters that are served with it."""

    name: str
    endpoints: tuple[Endpoint, ...]
    loras: tuple[str, ...] = ()
    resilience: Resilience = field(default_factory=Resilience)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients connect."""

    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that a configuration says about endpoints and routing.

    `default_model` takes the requests that name no model, or none that is known; where it is None,
    `endpoints`, all of them, do.
    """

    listeners: tuple[Listener, ...]
    endpoints: tuple[Endpoint, ...]
    models: tuple[Model, ...]
    default_model: str | None = None
    routing: Routing = field(default_factory=Routing)
    resilience: Resilience = field(default_factory=Resilience)
