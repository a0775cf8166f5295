"""Know which resources a gateway consists of, and which of them an edit leaves alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, TypeVarTuple

from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration

from xds.config.gateway import Endpoint, Gateway, Resilience
from xds.translate.clusters import cluster, is_eds
from xds.translate.endpoints import cluster_load_assignment
from xds.translate.listeners import listener
from xds.translate.names import ALL_ENDPOINTS, ROUTER, ROUTER_API, model_cluster
from xds.translate.router import router_api, router_cluster, router_server
from xds.translate.routes import route_configuration

_Made = TypeVar("_Made")
_Given = TypeVarTuple("_Given")


@dataclass(frozen=True, slots=True)
class Translation:
    """The resources of a gateway, by type; and what each was made of, for the next translation."""

    clusters: tuple[Cluster, ...]
    endpoints: tuple[ClusterLoadAssignment, ...]
    listeners: tuple[Listener, ...]
    routes: tuple[RouteConfiguration, ...]
    made: Mapping[object, "_Call"] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Call:
    given: tuple[object, ...]
    made: Any


class _Once:
    """Calls a function for a resource unless the last translation did, with equal values."""

    def __init__(self, last: Translation | None) -> None:
        self._known = last.made if last else {}
        self.calls: dict[object, _Call] = {}

    def __call__(self, name: str, make: Callable[[*_Given], _Made], *given: *_Given) -> _Made:
        known = self._known.get((make, name))
        call = known if known and known.given == given else _Call(given, make(*given))
        self.calls[make, name] = call
        made: _Made = call.made
        return made


def translate(gateway: Gateway, last: Translation | None = None) -> Translation:
    """Return the resources of a gateway.

    A resource that is made of the same as one in `last` is that very object, so that whoever holds
    something that derives from it need not derive that again.
    """
    once = _Once(last)
    # The last one's endpoints where they are equal: what is the same object is equal at a glance.
    pools = [
        (name, once(name, _endpoints, endpoints), resilience)
        for name, endpoints, resilience in _pools(gateway)
    ]
    served = [(name, endpoints) for name, endpoints, _ in pools]
    clusters = [once(pool[0], cluster, *pool, gateway.upstream_tls) for pool in pools]
    if gateway.router:
        served.append((ROUTER, (router_server(gateway.router),)))
        clusters.append(once(ROUTER, router_cluster, gateway.router))
    assignments = [once(name, _assignment, name, endpoints) for name, endpoints in served]
    common = _called(gateway, {name: once(name, _callings, each) for name, each, _ in pools})
    return Translation(
        clusters=tuple(clusters),
        endpoints=tuple(assignment for assignment in assignments if assignment is not None),
        listeners=tuple(once(where.name, listener, common, where) for where in gateway.listeners),
        routes=tuple(
            once(where.name, route_configuration, common, where) for where in gateway.listeners
        ),
        made=once.calls,
    )


def _pools(gateway: Gateway) -> Iterator[tuple[str, tuple[Endpoint, ...], Resilience]]:
    for model in gateway.models:
        yield model_cluster(model), model.endpoints, model.resilience
    if gateway.default_model is None:
        yield ALL_ENDPOINTS, gateway.endpoints, gateway.resilience
    if gateway.router and gateway.router.api:
        yield ROUTER_API, (router_api(gateway.router.api),), Resilience()


def _endpoints(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    return endpoints


def _assignment(name: str, endpoints: tuple[Endpoint, ...]) -> ClusterLoadAssignment | None:
    return cluster_load_assignment(name, endpoints) if is_eds(endpoints) else None


def _called(gateway: Gateway, callings: Mapping[str, tuple[Endpoint, ...]]) -> Gateway:
    """Return what listeners and routes are made of, which most edits of an endpoint leave alone."""
    models = tuple(
        replace(model, endpoints=callings[model_cluster(model)]) for model in gateway.models
    )
    return replace(gateway, endpoints=callings.get(ALL_ENDPOINTS, ()), models=models)


def _callings(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return one endpoint for each way in which a server is called: by name, path and tier.

    In the order in which they come first. Routes have to know that, and nothing else of a pool.
    """
    found: dict[tuple[object, ...], Endpoint] = {}
    for each in endpoints:
        # Which IP address it is makes no difference to a call.
        server = (each.address, each.port) if each.authority else ("0.0.0.0", 0)  # noqa: S104
        calling = (*server, 1, each.priority, "", each.tls, each.path)
        if calling not in found:
            found[calling] = Endpoint("", *calling)
    return tuple(found.values())
