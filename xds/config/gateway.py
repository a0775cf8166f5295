"""Know what a gateway is, whichever file described it: models, their endpoints, how to treat them.

Every value here is frozen. Times are `datetime.timedelta`, sizes bytes, shares percent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from xds.config.addresses import is_ip
from xds.config.fields import (
    Consecutive,
    Count,
    Host,
    HttpPath,
    Interval,
    LbPolicy,
    Limit,
    MessageTimeout,
    Part,
    Port,
    PositiveDuration,
    RetryConditions,
    Share,
    Switch,
)

# Changing these would break the request itself.
RESERVED_HEADERS: Final = frozenset(
    ("host", "connection", "content-length", "content-type", "te", "transfer-encoding", "upgrade")
)


def _free_header(value: str) -> str:
    if value in RESERVED_HEADERS:
        message = "a header with a meaning of its own"
        raise ValueError(message)
    return value


class OutlierDetection(Part):
    """When an endpoint is ejected from its pool, and for how long.

    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
    """

    consecutive_5xx: Consecutive = 5
    interval: Interval = timedelta(seconds=10)
    base_ejection_time: PositiveDuration = timedelta(seconds=30)
    max_ejection_percent: Share = 100


class HealthCheck(Part):
    """How endpoints are asked whether they are well."""

    path: HttpPath
    interval: Interval = timedelta(seconds=10)
    timeout: PositiveDuration = timedelta(seconds=2)


class Retry(Part):
    """When a request is tried again on another endpoint, and how often after the first try."""

    on: RetryConditions = "connect-failure,refused-stream,reset"
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

    lb_policy: LbPolicy = "round_robin"
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


class UpstreamTls(Part):
    """How the certificates of https endpoints are verified."""

    ca_file: Annotated[
        str,
        Field(pattern=r"^/[ -~]+$", description="the absolute path of a PEM file on Envoy's side"),
    ] = "/etc/ssl/certs/ca-certificates.crt"


class RouterApi(Part):
    """Where the semantic router answers over HTTP."""

    address: Host
    port: Port = 8080


class Router(Part):
    """The semantic router, which picks the model of each request; its port is that of its gRPC.

    With `failure_mode_allow`, requests go on without it while it fails.
    """

    address: Host
    port: Port = 50051
    failure_mode_allow: Switch = False
    message_timeout: MessageTimeout = timedelta(seconds=300)
    api: RouterApi | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: an IP address or a host name, and how much of its pool's traffic it takes.

    Weight 0 means drained. Priority 0 serves first; the next one when that is unhealthy.
    `path` is what stands there for /v1; it is empty where that is /v1, too.
    """

    name: str
    address: str
    port: int
    weight: int = 1
    priority: int = 0
    zone: str = ""
    tls: bool = False
    path: str = ""
    # Whether the address is one already, and no name to be resolved: each pool asks at each edit.
    is_ip: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_ip", is_ip(self.address))

    @property
    def authority(self) -> str:
        """The host by which the server is called; a bare IP address is called by none."""
        if self.is_ip:
            return ""
        return (
            self.address
            if self.port == default_port(tls=self.tls)
            else f"{self.address}:{self.port}"
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A model, the endpoints that serve it, and the LoRA adapters that are served with it."""

    name: str
    endpoints: tuple[Endpoint, ...]
    loras: tuple[str, ...] = ()
    resilience: Resilience = field(default_factory=Resilience)


def default_port(*, tls: bool) -> int:
    """Return the port of a server that names none."""
    return 443 if tls else 80


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients connect; where there are `api_keys`, only with one of them.

    `timeout` takes the place of the gateway's `timeout.request` and `timeout.idle`.
    """

    name: str
    address: str
    port: int
    timeout: timedelta | None = None
    api_keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that a configuration says about endpoints and routing.

    `default_model` takes the requests that name no model, or none that is known; where it is None,
    `endpoints`, all of them, do. Without a `router`, Envoy reads the model from the request.
    """

    listeners: tuple[Listener, ...]
    endpoints: tuple[Endpoint, ...]
    models: tuple[Model, ...]
    default_model: str | None = None
    routing: Routing = field(default_factory=Routing)
    resilience: Resilience = field(default_factory=Resilience)
    upstream_tls: UpstreamTls = field(default_factory=UpstreamTls)
    router: Router | None = None

    def without_secrets(self, word: Callable[[int], str] = "REDACTED-{}".format) -> "Gateway":
        """Return the same gateway, with words in the place of keys, fit for anyone's eyes.

        `word` returns that of the nth key of a listener.
        """
        listeners = (
            replace(one, api_keys=tuple(word(n) for n, _ in enumerate(one.api_keys, 1)))
            for one in self.listeners
        )
        return replace(self, listeners=tuple(listeners))
