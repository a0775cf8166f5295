"""Every discovery service over real gRPC, as Envoy's own stubs call it."""

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy_data_plane.envoy import service as envoy_services
from envoy_data_plane.envoy.config.core.v3 import Node
from envoy_data_plane.envoy.service.discovery.v3 import DeltaDiscoveryRequest, DiscoveryRequest

from server.clients import Client, DeltaClient, Served, cluster, connection
from xds.resources import CLUSTERS, ORDER, Resource
from xds.server.services import SERVICES, Service

AGGREGATED, *SINGLE = SERVICES
METHODS = [
    (each, method) for each in SERVICES for method in (each.sotw, each.delta) if method != ""
]
OF_ONE_TYPE = [(each, method) for each, method in METHODS if each is not AGGREGATED]
# What Envoy's API has besides: two services that are no xDS, and LEDS, of single endpoints.
OTHERS = {
    "ClientStatusDiscoveryService",
    "HealthDiscoveryService",
    "LocalityEndpointDiscoveryService",
}


def called(value: object) -> str:
    """Return how a row of a table goes by in the test's name."""
    return value.name.rpartition(".")[2] if isinstance(value, Service) else str(value)


def path(service: Service, method: str) -> str:
    return f"/{service.name}/{method}"


def stream(channel: grpc.aio.Channel, service: Service, method: str) -> Client | DeltaClient:
    kind = DeltaClient if method == service.delta else Client
    return kind(channel, path(service, method))


def one_of_each(content: str = "") -> list[Resource]:
    others = (url for url in ORDER if url != CLUSTERS)
    return [
        cluster("it", content),
        *(Resource(url, "it", b"it" + content.encode()) for url in others),
    ]


def stubs() -> Iterator[tuple[str, type[Any]]]:
    """Find every discovery service that Envoy's API has, and what was generated to call it."""
    for found in pkgutil.iter_modules(envoy_services.__path__):
        name = f"envoy.service.{found.name}.v3"
        try:
            module = importlib.import_module(f"envoy_data_plane.{name}")
        except ModuleNotFoundError:
            continue  # of an older version of the API only
        for kind in vars(module):
            if (what := kind.removesuffix("SyncStub")) != kind and "DiscoveryService" in what:
                yield f"{name}.{what}", getattr(module, kind)


def called_by_envoys_stub(address: str, service: Service, method: str) -> list[Any]:
    """Ask through Envoy's own stub and messages, with a single request."""
    of_envoy = dict(stubs())[service.name]
    type_url = service.type_url or CLUSTERS
    request: DeltaDiscoveryRequest | DiscoveryRequest
    if method == service.delta:
        request = DeltaDiscoveryRequest(
            node=Node(id="envoy"), type_url=type_url, resource_names_subscribe=["it"]
        )
    else:
        request = DiscoveryRequest(node=Node(id="envoy"), type_url=type_url, resource_names=["it"])
    with grpc.insecure_channel(address) as channel:
        named = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
        return list(getattr(of_envoy(channel), named)([request]))


@pytest.mark.parametrize(("service", "method"), METHODS, ids=called)
async def test_envoys_own_stub_is_answered(service: Service, method: str, served: Served) -> None:
    served.publish(*one_of_each())

    [answer] = await asyncio.to_thread(called_by_envoys_stub, served.address, service, method)

    assert answer.type_url == (service.type_url or CLUSTERS)
    [found] = answer.resources
    body = found.resource if method == service.delta else found
    assert body.type_url == answer.type_url
    assert body.value == (cluster("it").body if answer.type_url == CLUSTERS else b"it")


def test_no_service_of_envoy_is_left_out() -> None:
    offered = {name for name, _ in stubs() if name.rpartition(".")[2] not in OTHERS}

    assert offered == {service.name for service in SERVICES}


@pytest.mark.parametrize(("service", "method"), OF_ONE_TYPE, ids=called)
async def test_the_service_says_which_type_is_meant(  # G2
    service: Service, method: str, served: Served
) -> None:
    served.publish(*one_of_each())
    async with connection(served.address) as channel:
        client = stream(channel, service, method)
        await client.ask("", "it")
        first = await client.got()
        assert first.type_url == service.type_url
        assert len(first.resources) == 1
        await client.ask("", "it", nonce=first.nonce, error="no such thing")
        served.publish(*one_of_each(content="new"))
        second = await client.got()

    assert (second.type_url, len(second.resources)) == (service.type_url, 1)
    assert second.nonce != first.nonce


@pytest.mark.parametrize(("service", "method"), OF_ONE_TYPE, ids=called)
async def test_another_type_is_refused(  # G2
    service: Service, method: str, served: Served
) -> None:
    served.publish(*one_of_each())
    other = next(url for url in ORDER if url != service.type_url)
    async with connection(served.address) as channel:
        client = stream(channel, service, method)
        await client.ask(other, "it")
        ended = await client.end()

    words = f"this service is for {service.type_url}, not for {other}"
    assert ended == (grpc.StatusCode.INVALID_ARGUMENT, words)


@pytest.mark.parametrize(("service", "method"), METHODS, ids=called)
async def test_a_stream_without_a_node_is_refused(  # G1
    service: Service, method: str, served: Served
) -> None:
    async with connection(served.address) as channel:
        client = stream(channel, service, method)
        await client.ask(service.type_url or CLUSTERS, node="")
        ended = await client.end()

    words = "the first request of a stream must carry a node with an id"
    assert ended == (grpc.StatusCode.INVALID_ARGUMENT, words)


@pytest.mark.parametrize(("service", "method"), METHODS, ids=called)
async def test_bytes_that_are_no_request_are_refused(
    service: Service, method: str, served: Served
) -> None:
    async with connection(served.address) as channel:
        call: Any = channel.stream_stream(path(service, method))()
        await call.write(b"\xff")
        ended = await call.code(), await call.details()

    kind = "DeltaDiscoveryRequest" if method == service.delta else "DiscoveryRequest"
    assert ended == (grpc.StatusCode.INVALID_ARGUMENT, f"this is no {kind}")


async def test_what_does_not_exist_is_not_served(served: Served) -> None:  # D13
    async with connection(served.address) as channel:
        client = Client(
            channel, "/envoy.service.route.v3.VirtualHostDiscoveryService/StreamVirtualHosts"
        )
        code, _ = await client.end()

    assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("service", SINGLE, ids=called)
async def test_a_single_service_waits_for_no_other_type(  # W2 G9, family 2
    service: Service, served: Served
) -> None:
    served.publish(*one_of_each())
    async with connection(served.address) as channel:
        client = DeltaClient(channel, path(service, service.delta))
        await client.ask(service.type_url, "it")
        await client.ack(await client.got())
        served.publish()

        assert (await client.got()).removed_resources == ["it"]
