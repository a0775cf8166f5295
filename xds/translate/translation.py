"""Know which resources a gateway consists of, and which of them an edit leaves alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, TypeVarTuple

from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration

from xds.config.gateway import Endpoint, Gateway, Model, UpstreamTls
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
    pools: Mapping[str, "_Pool"] = field(repr=False, compare=False)
    made: Mapping[object, "_Call"] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Pool:
    """What is made of a model's endpoints; `called` is what listeners and routes know of them."""

    model: Model
    tls: UpstreamTls
    cluster: Cluster
    assignment: ClusterLoadAssignment | None
    called: Model


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
    known = last.pools if last else {}
    tls = gateway.upstream_tls
    pools = {name: _pool(name, model, tls, known.get(name)) for name, model in _models(gateway)}
    clusters = [pool.cluster for pool in pools.values()]
    assignments = [pool.assignment for pool in pools.values() if pool.assignment is not None]
    once = _Once(last)
    if router := gateway.router:
        clusters.append(once(ROUTER, router_cluster, router))
        assignment = once(ROUTER, _assignment, ROUTER, (router_server(router),))
        if assignment is not None:
            assignments.append(assignment)
    called = _called(gateway, pools)
    return Translation(
        clusters=tuple(clusters),
        endpoints=tuple(assignments),
        listeners=tuple(once(where.name, listener, called, where) for where in gateway.listeners),
        routes=tuple(
            once(where.name, route_configuration, called, where) for where in gateway.listeners
        ),
        pools=pools,
        made=once.calls,
    )


def _models(gateway: Gateway) -> Iterator[tuple[str, Model]]:
    """Return the pools of endpoints, those without a model of their own as models of no name."""
    for model in gateway.models:
        yield model_cluster(model), model
    if gateway.default_model is None:
        yield ALL_ENDPOINTS, Model("", gateway.endpoints, (), gateway.resilience)
    if gateway.router and gateway.router.api:
        yield ROUTER_API, Model("", (router_api(gateway.router.api),))


def _pool(name: str, model: Model, tls: UpstreamTls, last: _Pool | None) -> _Pool:
    """Return a pool: the last one of its name, or as much of that as is made of the same."""
    # Compared as tuples, what is the same object is equal at a glance.
    if last and (last.model, last.tls) == (model, tls):
        return last
    endpoints, resilience = model.endpoints, model.resilience
    if last and last.model.endpoints == endpoints:
        assignment, callings = last.assignment, last.called.endpoints
        is_same = (last.model.resilience, last.tls) == (resilience, tls)
    else:
        assignment, callings = _assignment(name, endpoints), _callings(endpoints)
        is_same = False
    return _Pool(
        model,
        tls,
        last.cluster if last and is_same else cluster(name, endpoints, resilience, tls),
        assignment,
        replace(model, endpoints=callings),
    )


def _assignment(name: str, endpoints: tuple[Endpoint, ...]) -> ClusterLoadAssignment | None:
    return cluster_load_assignment(name, endpoints) if is_eds(endpoints) else None


def _called(gateway: Gateway, pools: Mapping[str, _Pool]) -> Gateway:
    """Return what listeners and routes are made of, which most edits of an endpoint leave alone."""
    everywhere = pools[ALL_ENDPOINTS].called.endpoints if ALL_ENDPOINTS in pools else ()
    models = tuple(pools[model_cluster(model)].called for model in gateway.models)
    return replace(gateway, endpoints=everywhere, models=models)


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
