"""Know the xDS type URLs, their order, and what a resource is.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-types
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, SupportsBytes

CLUSTERS: Final = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENERS: Final = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES: Final = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"

# What a resource needs comes before it: "make before break".
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
ORDER: Final = (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)

# A state-of-the-world response of these types is the whole truth: what it leaves out is deleted.
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#deleting-resources
COMPLETE_TYPES: Final = frozenset({CLUSTERS, LISTENERS})


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

    `body` is the serialized message; a message that `bytes()` can serialize, such as one of
    envoy_data_plane's, is serialized here. `version` derives from the body unless it is given,
    so that replicas and restarts agree on it.
    """

    type_url: str
    name: str
    body: bytes
    version: str

    def __init__(
        self, type_url: str, name: str, body: SupportsBytes, version: str | None = None
    ) -> None:
        encoded = bytes(body)
        object.__setattr__(self, "type_url", type_url)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "body", encoded)
        object.__setattr__(self, "version", version or digest(encoded))
