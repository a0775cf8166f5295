"""Resources to publish: the few fields that a real Envoy needs to route a request."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterEdsClusterConfig,
)
from envoy_data_plane.envoy.config.core.v3 import (
    AggregatedConfigSource,
    ApiVersion,
    ConfigSource,
    TransportSocket,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import (
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from envoy_data_plane.google.protobuf import Any

from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.translate.endpoints import address

# Nobody connects from here, so a port that is free stays so until it is listened on.
HOST: Final = "127.0.0.2"
# Envoy itself counts what waits longer than this for a resource: `init_fetch_timeout`.
WARMING: Final = timedelta(seconds=1)
ADS: Final = ConfigSource(
    ads=AggregatedConfigSource(),
    resource_api_version=ApiVersion.V3,
    initial_fetch_timeout=WARMING,
)
ROUTER: Final = HttpFilter(name="envoy.filters.http.router", typed_config=Any.pack(Router()))


def cluster(
    name: str,
    *,
    timeout: int = 1000,
    source: ConfigSource = ADS,
    transport_socket: TransportSocket | None = None,
) -> Resource:
    """Return an EDS cluster; its connect timeout, in milliseconds, is what tests change of it."""
    message = Cluster(
        name=name,
        type=ClusterDiscoveryType.EDS,
        eds_cluster_config=ClusterEdsClusterConfig(eds_config=source),
        connect_timeout=timedelta(milliseconds=timeout),
        transport_socket=transport_socket,
    )
    return Resource(CLUSTERS, name, message)


def assignment(name: str, ports: Iterable[int]) -> Resource:
    """Return the load assignment of a cluster with endpoints on loopback."""
    found = [LbEndpoint(endpoint=Endpoint(address=address(HOST, port))) for port in sorted(ports)]
    message = ClusterLoadAssignment(
        cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=found)]
    )
    return Resource(ENDPOINTS, name, message)


def virtual_host(name: str, targets: Mapping[str, str], domains: Iterable[str]) -> VirtualHost:
    """Return a virtual host that routes each path to a cluster."""
    routes = [
        Route(match=RouteMatch(path=path), route=RouteAction(cluster=target))
        for path, target in targets.items()
    ]
    return VirtualHost(name=name, domains=list(domains), routes=routes)


def route_configuration(name: str, targets: Mapping[str, str], *domains: str) -> Resource:
    """Return routes from paths to clusters; Envoy refuses a domain that is there twice."""
    host = virtual_host("all", targets, domains or ("*",))
    return Resource(ROUTES, name, RouteConfiguration(name=name, virtual_hosts=[host]))


def listener(
    name: str,
    port: int,
    manager: HttpConnectionManager,
    transport_socket: TransportSocket | None = None,
) -> Resource:
    """Return a listener on loopback with one connection manager."""
    hcm = Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=Any.pack(manager)
    )
    message = Listener(
        name=name,
        address=address(HOST, port),
        filter_chains=[FilterChain(filters=[hcm], transport_socket=transport_socket)],
    )
    return Resource(LISTENERS, name, message)


def connection_manager(
    routes: str,
    *filters: HttpFilter,
    server_name: str = "",
    source: ConfigSource = ADS,
) -> HttpConnectionManager:
    """Return a connection manager; its server name is what tests change of it."""
    return HttpConnectionManager(
        stat_prefix="test",
        rds=Rds(route_config_name=routes, config_source=source),
        http_filters=[*filters, ROUTER],
        server_name=server_name,
    )
