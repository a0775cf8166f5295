"""Know the xDS type URLs, their order, and what a resource is.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-types
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol, SupportsBytes

CLUSTERS: Final = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENERS: Final = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES: Final = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
SCOPED_ROUTES: Final = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
VIRTUAL_HOSTS: Final = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
SECRETS: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
RUNTIMES: Final = "type.googleapis.com/envoy.service.runtime.v3.Runtime"
EXTENSION_CONFIGS: Final = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

# What a resource needs comes before it: "make before break".
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
ORDER: Final = (
    CLUSTERS,
    ENDPOINTS,
    SECRETS,
    LISTENERS,
    EXTENSION_CONFIGS,
    SCOPED_ROUTES,
    ROUTES,
    VIRTUAL_HOSTS,
    RUNTIMES,
)

_PLACES: Final = {type_url: place for place, type_url in enumerate(ORDER)}
# What people call the resources of a type.
_KINDS: Final = {
    CLUSTERS: "clusters",
    ENDPOINTS: "endpoints",
    SECRETS: "secrets",
    LISTENERS: "listeners",
    EXTENSION_CONFIGS: "extension_configs",
    SCOPED_ROUTES: "scoped_routes",
    ROUTES: "routes",
    VIRTUAL_HOSTS: "virtual_hosts",
    RUNTIMES: "runtimes",
}

# A state-of-the-world response of these types is the whole truth: what it leaves out is deleted.
# Scoped routes are not listed there, yet Envoy handles them so, and subscribes to all of them.
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#deleting-resources
COMPLETE_TYPES: Final = frozenset({CLUSTERS, LISTENERS, SCOPED_ROUTES})


class SupportsSerialization(Protocol):
    """A message as the protobuf package has them."""

    def SerializeToString(self, *, deterministic: bool) -> bytes:  # noqa: N802  protobuf's name
        """Return the bytes of the message."""


def in_order(type_urls: Iterable[str]) -> list[str]:
    """Return type URLs in the order in which they are sent; unknown ones come last."""
    return sorted(type_urls, key=lambda type_url: _PLACES.get(type_url, len(ORDER)))


def kind(type_url: str) -> str:
    """Return what people call the resources of a type, such as `clusters`."""
    return _KINDS.get(type_url) or type_url.rpartition(".")[2]


def digest(*parts: bytes) -> str:
    """Return the version that belongs to some content: 16 hexadecimal digits."""
    state = blake2b(digest_size=8)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


@dataclass(frozen=True, slots=True, init=False)
class Resource:
    """One named xDS resource in the form in which it travels.

    `body` is the serialized message, or a message: of the protobuf package, or one that `bytes()`
    can serialize, such as envoy_data_plane's. `version` derives from the body unless it is given,
    so that replicas and restarts agree on it. `aliases` are further names under which a virtual
    host can be subscribed to.
    """

    type_url: str
    name: str
    body: bytes
    version: str
    aliases: tuple[str, ...]

    def __init__(
        self,
        type_url: str,
        name: str,
        body: SupportsBytes | SupportsSerialization,
        version: str | None = None,
        aliases: Iterable[str] = (),
    ) -> None:
        encoded = bytes(body) if isinstance(body, SupportsBytes) else _serialized(body)
        others = tuple(aliases)
        object.__setattr__(self, "type_url", type_url)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "body", encoded)
        object.__setattr__(self, "version", version or digest(encoded, *map(str.encode, others)))
        object.__setattr__(self, "aliases", others)


def _serialized(message: SupportsSerialization) -> bytes:
    if not hasattr(message, "SerializeToString"):
        text = f"a body is bytes or a message, not {type(message).__name__}"
        raise TypeError(text)
    # Maps have no order of their own, and one content is to have one version.
    return message.SerializeToString(deterministic=True)
