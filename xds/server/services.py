"""Know the discovery services of Envoy, and their methods for either variant.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#rpc-services-and-methods-for-each-variant
"""

from dataclasses import dataclass
from typing import Final

from xds.resources import (
    CLUSTERS,
    ENDPOINTS,
    EXTENSION_CONFIGS,
    LISTENERS,
    ROUTES,
    RUNTIMES,
    SCOPED_ROUTES,
    SECRETS,
    VIRTUAL_HOSTS,
)


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service: for resources of one type, or of all where `type_url` is "".

    `sotw` and `delta` name its methods; "" where a variant does not exist.
    """

    name: str
    type_url: str
    sotw: str
    delta: str


def _service(name: str, type_url: str, what: str) -> Service:
    return Service(f"envoy.service.{name}", type_url, f"Stream{what}", f"Delta{what}")


SERVICES: Final = (
    _service("discovery.v3.AggregatedDiscoveryService", "", "AggregatedResources"),
    _service("cluster.v3.ClusterDiscoveryService", CLUSTERS, "Clusters"),
    _service("endpoint.v3.EndpointDiscoveryService", ENDPOINTS, "Endpoints"),
    _service("listener.v3.ListenerDiscoveryService", LISTENERS, "Listeners"),
    _service("route.v3.RouteDiscoveryService", ROUTES, "Routes"),
    _service("route.v3.ScopedRoutesDiscoveryService", SCOPED_ROUTES, "ScopedRoutes"),
    # Of virtual hosts there is only an incremental variant.
    Service(
        "envoy.service.route.v3.VirtualHostDiscoveryService",
        VIRTUAL_HOSTS,
        "",
        "DeltaVirtualHosts",
    ),
    _service("secret.v3.SecretDiscoveryService", SECRETS, "Secrets"),
    _service("runtime.v3.RuntimeDiscoveryService", RUNTIMES, "Runtime"),
    _service("extension.v3.ExtensionConfigDiscoveryService", EXTENSION_CONFIGS, "ExtensionConfigs"),
)
