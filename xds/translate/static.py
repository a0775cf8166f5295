"""Know how a gateway looks as one Envoy configuration that needs no control plane."""

from dataclasses import replace

from envoy_data_plane.envoy.config.bootstrap.v3 import (
    Admin,
    Bootstrap,
    BootstrapStaticResources,
)
from envoy_data_plane.envoy.config.cluster.v3 import Cluster, ClusterDiscoveryType
from envoy_data_plane.envoy.config.core.v3 import Address
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
)

from xds.translate.bootstrap import overload_manager
from xds.translate.translation import Translation
from xds.wire.codec import pack


def static_bootstrap(translation: Translation, admin: Address) -> Bootstrap:
    """Return a complete Envoy configuration with all resources of a gateway in it."""
    assignments = {assignment.cluster_name: assignment for assignment in translation.endpoints}
    routes = {route.name: route for route in translation.routes}
    return Bootstrap(
        admin=Admin(address=admin),
        static_resources=BootstrapStaticResources(
            clusters=[
                _cluster(cluster, assignments.get(cluster.name)) for cluster in translation.clusters
            ],
            listeners=[_listener(listener, routes) for listener in translation.listeners],
        ),
        overload_manager=overload_manager(),
    )


def _cluster(cluster: Cluster, assignment: ClusterLoadAssignment | None) -> Cluster:
    if assignment is None:
        return cluster
    return replace(
        cluster,
        type=ClusterDiscoveryType.STATIC,
        eds_cluster_config=None,
        load_assignment=assignment,
    )


def _listener(listener: Listener, routes: dict[str, RouteConfiguration]) -> Listener:
    return replace(
        listener,
        filter_chains=[_filter_chain(chain, routes) for chain in listener.filter_chains],
    )


def _filter_chain(chain: FilterChain, routes: dict[str, RouteConfiguration]) -> FilterChain:
    return replace(chain, filters=[_filter(one, routes) for one in chain.filters])


def _filter(one: Filter, routes: dict[str, RouteConfiguration]) -> Filter:
    manager = one.typed_config.unpack() if one.typed_config else None
    if not isinstance(manager, HttpConnectionManager) or manager.rds is None:
        return one
    inlined = replace(manager, rds=None, route_config=routes[manager.rds.route_config_name])
    return replace(one, typed_config=pack(inlined))
