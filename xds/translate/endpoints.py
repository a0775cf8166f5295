"""Know how a pool of endpoints becomes an Envoy load assignment."""

from collections.abc import Iterable
from dataclasses import replace

from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    HealthStatus,
    Locality,
    SocketAddress,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)

from xds.config import gateway as config


def cluster_load_assignment(
    cluster: str, endpoints: Iterable[config.Endpoint]
) -> ClusterLoadAssignment:
    """Return the endpoints of a cluster, grouped by priority and zone."""
    groups: dict[tuple[int, str], list[config.Endpoint]] = {}
    for endpoint in _by_address(endpoints):
        groups.setdefault((endpoint.priority, endpoint.zone), []).append(endpoint)
    # Envoy wants priorities without gaps; a pool may lack what others use.
    levels = {level: rank for rank, level in enumerate(sorted({level for level, _ in groups}))}
    return ClusterLoadAssignment(
        cluster_name=cluster,
        endpoints=[
            locality_lb_endpoints(levels[priority], zone, group)
            for (priority, zone), group in sorted(groups.items())
        ],
    )


def locality_lb_endpoints(
    priority: int, zone: str, endpoints: list[config.Endpoint]
) -> LocalityLbEndpoints:
    """Return the endpoints of one priority and zone.

    gRPC's own clients refuse a group without locality, and drop one without a weight; to Envoy
    both are the same with and without.
    https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
    """
    return LocalityLbEndpoints(
        locality=Locality(zone=zone),
        load_balancing_weight=max(1, sum(endpoint.weight for endpoint in endpoints)),
        priority=priority,
        lb_endpoints=[lb_endpoint(endpoint) for endpoint in endpoints],
    )


def lb_endpoint(endpoint: config.Endpoint) -> LbEndpoint:
    """Return one endpoint; weight 0 becomes DRAINING, as Envoy's weights begin at 1."""
    return LbEndpoint(
        endpoint=Endpoint(address=address(endpoint.address, endpoint.port)),
        health_status=HealthStatus.UNKNOWN if endpoint.weight else HealthStatus.DRAINING,
        load_balancing_weight=endpoint.weight or None,
    )


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
