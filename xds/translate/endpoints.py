"""Know how a pool of endpoints becomes an Envoy load assignment."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    HealthStatus,
    Locality,
    Metadata,
    SocketAddress,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    EndpointHealthCheckConfig,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.google.protobuf import Struct

from xds.config import gateway as config
from xds.translate.names import server_name
from xds.wire.codec import keep

# https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#config-cluster-v3-cluster-transportsocketmatch
TRANSPORT_SOCKET_MATCH: Final = "envoy.transport_socket_match"
SERVER_NAME: Final = "server_name"


def cluster_load_assignment(
    cluster: str, endpoints: Iterable[config.Endpoint]
) -> ClusterLoadAssignment:
    """Return the endpoints of a cluster, grouped by priority and zone."""
    groups: dict[tuple[int, str], list[config.Endpoint]] = {}
    served = list(_by_address(endpoints))
    alike = is_alike(served)
    for endpoint in served:
        groups.setdefault((endpoint.priority, endpoint.zone), []).append(endpoint)
    # Envoy wants priorities without gaps; a pool may lack what others use.
    levels = {level: rank for rank, level in enumerate(sorted({level for level, _ in groups}))}
    return ClusterLoadAssignment(
        cluster_name=cluster,
        endpoints=[
            locality_lb_endpoints(levels[priority], zone, group, alike=alike)
            for (priority, zone), group in sorted(groups.items())
        ],
    )


def locality_lb_endpoints(
    priority: int, zone: str, endpoints: list[config.Endpoint], *, alike: bool
) -> LocalityLbEndpoints:
    """Return the endpoints of one priority and zone.

    gRPC's own clients refuse a group without locality, and drop one without a weight; to Envoy
    both are the same with and without.
    https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
    """
    group = LocalityLbEndpoints(
        locality=Locality(zone=zone),
        load_balancing_weight=max(1, sum(endpoint.weight for endpoint in endpoints)),
        priority=priority,
    )
    # Given to the class at once, all would be checked again.
    group.lb_endpoints.extend(lb_endpoint(endpoint, alike=alike) for endpoint in endpoints)
    return group


def is_alike(endpoints: Sequence[config.Endpoint]) -> bool:
    """Tell whether all endpoints of a pool are spoken to in one way."""
    return len({server_name(endpoint) for endpoint in endpoints}) <= 1


# For as long as a load assignment holds them: most are in the next one, too.
_SHARED: Final[WeakValueDictionary[tuple[config.Endpoint, bool], LbEndpoint]] = (
    WeakValueDictionary()
)


def lb_endpoint(endpoint: config.Endpoint, *, alike: bool) -> LbEndpoint:
    """Return one endpoint, shared by all load assignments in which it is the same."""
    found = _SHARED.get((endpoint, alike))
    if found is None:
        found = _SHARED[endpoint, alike] = keep(_lb_endpoint(endpoint, alike=alike))
    return found


def _lb_endpoint(endpoint: config.Endpoint, *, alike: bool) -> LbEndpoint:
    """Return one endpoint; weight 0 becomes DRAINING, as Envoy's weights begin at 1.

    Where the pool is not alike, its metadata say which transport socket is for it.
    """
    host = endpoint.authority
    server = "" if alike else server_name(endpoint)
    return LbEndpoint(
        endpoint=Endpoint(
            address=address(endpoint.address, endpoint.port),
            hostname=host,
            health_check_config=EndpointHealthCheckConfig(hostname=host) if host else None,
        ),
        metadata=transport_socket_metadata(server) if server else None,
        health_status=HealthStatus.UNKNOWN if endpoint.weight else HealthStatus.DRAINING,
        load_balancing_weight=endpoint.weight or None,
    )


def transport_socket_metadata(server: str) -> Metadata:
    """Return what leads an endpoint to the transport socket of its server."""
    match = Struct.from_dict({SERVER_NAME: server})
    return Metadata(filter_metadata={TRANSPORT_SOCKET_MATCH: match})


def address(host: str, port: int) -> Address:
    """Return a TCP address."""
    return Address(socket_address=SocketAddress(address=host, port_value=port))


def _by_address(endpoints: Iterable[config.Endpoint]) -> Iterable[config.Endpoint]:
    # Envoy keeps one host for each address of a cluster and forgets the weight of the others.
    # Two names for one server are one server, that takes the traffic of both.
    merged: dict[tuple[str, int], config.Endpoint] = {}
    for endpoint in endpoints:
        key = (endpoint.address, endpoint.port)
        known = merged.get(key)
        merged[key] = endpoint if known is None else _together(known, endpoint)
    return merged.values()


def _together(one: config.Endpoint, other: config.Endpoint) -> config.Endpoint:
    first = min(one, other, key=lambda endpoint: endpoint.priority)
    return replace(first, weight=one.weight + other.weight)
