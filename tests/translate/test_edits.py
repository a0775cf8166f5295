"""An edit makes anew what derives from it, and leaves everything else as it is."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from xds.config.gateway import (
    Endpoint,
    Gateway,
    Listener,
    Model,
    Resilience,
    Router,
    RouterApi,
    Routing,
    Timeout,
    UpstreamTls,
)
from xds.translate import Translation, translate
from xds.translate.endpoints import _SHARED

SLOW = Resilience(timeout=Timeout(request=timedelta(hours=1)))


def fleet(models: int = 20, **rest: Any) -> Gateway:
    """Return a gateway of models with two endpoints each."""
    endpoints = [Endpoint(f"e{number}", f"10.0.0.{number}", 8000) for number in range(2 * models)]
    return Gateway(
        listeners=(Listener("http", "127.0.0.1", 8801),),
        endpoints=tuple(endpoints),
        models=tuple(
            Model(f"m{number}", tuple(endpoints[2 * number : 2 * number + 2]))
            for number in range(models)
        ),
        **rest,
    )


def edited(gateway: Gateway, number: int, **changes: Any) -> Gateway:
    """Return the gateway with one model changed, and with nothing else in it the same object."""
    models = [replace(model) for model in gateway.models]
    models[number] = replace(models[number], **changes)
    return replace(gateway, models=tuple(models))


def drained(gateway: Gateway, number: int) -> Gateway:
    """Return the gateway with one endpoint of a model drained."""
    first, *others = gateway.models[number].endpoints
    return edited(gateway, number, endpoints=(replace(first, weight=0), *map(replace, others)))


def new(last: Iterable[Any], now: Iterable[Any]) -> list[str]:
    """Return the names of what was made anew."""
    known = {id(message) for message in last}
    return [
        getattr(message, "cluster_name", "") or message.name
        for message in now
        if id(message) not in known
    ]


def all_new(last: Translation, now: Translation) -> dict[str, list[str]]:
    kinds = ("clusters", "endpoints", "listeners", "routes")
    found = {kind: new(getattr(last, kind), getattr(now, kind)) for kind in kinds}
    return {kind: names for kind, names in found.items() if names}


def test_nothing_is_made_anew_from_the_same() -> None:
    last = translate(fleet())

    assert all_new(last, translate(fleet(), last)) == {}


def test_an_edited_endpoint_is_a_matter_of_its_pool() -> None:
    gateway = fleet(default_model="m0")
    last = translate(gateway)

    now = translate(drained(gateway, 7), last)

    assert all_new(last, now) == {"clusters": ["model/m7"], "endpoints": ["model/m7"]}
    assert now == translate(drained(gateway, 7))


def test_how_an_endpoint_is_called_is_a_matter_of_the_routes_too() -> None:
    gateway = fleet(3, default_model="m0", router=Router(address="router"))
    last = translate(gateway)

    [first, *_] = gateway.models[1].endpoints

    for changed in (replace(first, path="/api"), replace(first, address="host.example")):
        called = edited(gateway, 1, endpoints=(changed,))
        now = translate(called, last)
        assert all_new(last, now)["routes"] == ["http/routes"]
        assert now == translate(called)


def test_a_server_that_is_called_another_way_is_a_matter_of_the_routes() -> None:
    gateway = fleet(3, default_model="m0", router=Router(address="router"))
    named = Endpoint("e", "host.example", 443)
    last = translate(edited(gateway, 1, endpoints=(named,)))

    for changed in (replace(named, tls=True), replace(named, port=8000)):
        called = edited(gateway, 1, endpoints=(changed,))
        assert translate(called, last) == translate(called)
        assert "routes" in all_new(last, translate(called, last))

    moved = edited(gateway, 1, endpoints=(replace(named, name="f", zone="z", weight=3),))
    assert "routes" not in all_new(last, translate(moved, last))


def test_the_address_of_the_router_is_a_matter_of_its_load_assignment() -> None:
    gateway = fleet(3, router=Router(address="10.0.0.1"))
    last = translate(gateway)

    now = translate(replace(gateway, router=Router(address="10.0.0.2")), last)

    assert all_new(last, now)["endpoints"] == ["semantic-router"]


def test_what_two_pools_have_in_common_is_made_once() -> None:
    by_model, of_all = translate(fleet(1)).endpoints

    [[one], [other]] = by_model.endpoints, of_all.endpoints
    assert [id(each) for each in one.lb_endpoints] == [id(each) for each in other.lb_endpoints]


def test_an_endpoint_is_forgotten_with_the_last_pool_that_it_is_in() -> None:
    before = len(_SHARED)
    last = translate(fleet(3))
    assert len(_SHARED) == before + 6

    del last

    assert len(_SHARED) == before


def test_a_new_model_is_a_matter_of_its_pool_and_the_routes() -> None:
    last = translate(fleet(3, default_model="m0"))

    now = translate(fleet(4, default_model="m0"), last)

    assert all_new(last, now) == {
        "clusters": ["model/m3"],
        "endpoints": ["model/m3"],
        "listeners": ["http"],
        "routes": ["http/routes"],
    }


def test_a_timeout_is_no_matter_of_the_endpoints() -> None:
    gateway = fleet(3, default_model="m0")
    last = translate(gateway)

    now = translate(edited(gateway, 1, resilience=SLOW), last)

    assert all_new(last, now)["clusters"] == ["model/m1"]
    assert "endpoints" not in all_new(last, now)


def test_whom_to_trust_is_a_matter_of_the_clusters() -> None:
    gateway = edited(
        fleet(3, default_model="m0"), 1, endpoints=(Endpoint("e", "a.b", 1, tls=True),)
    )
    last = translate(gateway)

    trusting = replace(gateway, upstream_tls=UpstreamTls(ca_file="/ca.pem"))
    now = translate(trusting, last)

    assert now == translate(trusting)
    assert now.clusters != last.clusters
    assert "endpoints" not in all_new(last, now)


def test_only_the_last_translation_is_remembered() -> None:
    last = translate(fleet(3), translate(fleet(20)))

    new = translate(fleet(3))
    assert (last.made.keys(), last.pools.keys()) == (new.made.keys(), new.pools.keys())


ENDPOINTS = st.builds(
    Endpoint,
    name=st.sampled_from("ab"),
    address=st.sampled_from(["10.0.0.1", "::1", "host.example"]),
    port=st.sampled_from([1, 2]),
    weight=st.sampled_from([0, 1, 3]),
    priority=st.sampled_from([0, 1]),
    zone=st.sampled_from(["", "z"]),
    tls=st.booleans(),
    path=st.sampled_from(["", "/api"]),
)
POOLS = st.lists(ENDPOINTS, min_size=1, max_size=3).map(tuple)
MODELS = st.builds(
    Model,
    name=st.sampled_from("xyz"),
    endpoints=POOLS,
    loras=st.sampled_from([(), ("l",)]),
    resilience=st.sampled_from([Resilience(), SLOW]),
)
GATEWAYS = st.builds(
    Gateway,
    listeners=st.sampled_from(
        [
            (Listener("http", "127.0.0.1", 1),),
            (Listener("http", "127.0.0.1", 2), Listener("other", "127.0.0.1", 3)),
        ]
    ),
    endpoints=POOLS,
    models=st.lists(MODELS, unique_by=lambda model: model.name, max_size=3).map(tuple),
    default_model=st.sampled_from([None, "x"]),
    routing=st.sampled_from([Routing(), Routing(unknown_model="reject")]),
    resilience=st.sampled_from([Resilience(), SLOW]),
    upstream_tls=st.sampled_from([UpstreamTls(), UpstreamTls(ca_file="/ca.pem")]),
    router=st.sampled_from(
        [None, Router(address="router"), Router(address="10.0.0.9", api=RouterApi(address="api"))]
    ),
)


@given(st.lists(GATEWAYS, min_size=2, max_size=4))
def test_what_was_before_makes_no_difference(history: list[Gateway]) -> None:
    last: Translation | None = None
    for gateway in history:
        last = translate(gateway, last)

        assert last == translate(gateway)
