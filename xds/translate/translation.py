"""Know which resources a gateway consists of."""

from collections.abc import Iterator
from dataclasses import dataclass

from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration

from xds.config.gateway import Endpoint, Gateway, Resilience
from xds.translate.clusters import cluster, is_eds
from xds.translate.endpoints import cluster_load_assignment
from xds.translate.listeners import listener
from xds.translate.names import ALL_ENDPOINTS, model_cluster
from xds.translate.routes import route_configuration


@dataclass(frozen=True, slots=True)
class Translation:
    """The resources of a gateway, by type."""

    clusters: tuple[Cluster, ...]
    endpoints: tuple[ClusterLoadAssignment, ...]
    listeners: tuple[Listener, ...]
    routes: tuple[RouteConfiguration, ...]


def translate(gateway: Gateway) -> Translation:
    """Return the resources of a gateway."""
    pools = tuple(_pools(gateway))
    return Translation(
        clusters=tuple(cluster(*pool) for pool in pools),
        endpoints=tuple(
            cluster_load_assignment(name, endpoints)
            for name, endpoints, _ in pools
            if is_eds(endpoints)
        ),
        listeners=tuple(listener(gateway, where) for where in gateway.listeners),
        routes=tuple(route_configuration(gateway, where) for where in gateway.listeners),
    )


def _pools(gateway: Gateway) -> Iterator[tuple[str, tuple[Endpoint, ...], Resilience]]:
    for model in gateway.models:
        yield model_cluster(model), model.endpoints, model.resilience
    if gateway.default_model is None:
        yield ALL_ENDPOINTS, gateway.endpoints, gateway.resilience
