"""gRPC's own xDS client, which shares no code with Envoy, is led to its backends."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterEdsClusterConfig,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    AggregatedConfigSource,
    ApiVersion,
    ConfigSource,
    Locality,
    SocketAddress,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.config.listener.v3 import ApiListener, Listener
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
from envoy_data_plane.google.protobuf import Any as Packed

from server.clients import PATIENCE, Served, until
from xds import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource, Snapshot

METHOD = "/tests.Backend/Name"
ADS = ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def listener(names: str = "routes") -> Resource:
    manager = HttpConnectionManager(
        rds=Rds(config_source=ADS, route_config_name=names),
        http_filters=[HttpFilter(name="router", typed_config=Packed.pack(Router()))],
    )
    api = ApiListener(api_listener=Packed.pack(manager))
    return Resource(LISTENERS, "backends", Listener(name="backends", api_listener=api))


def routes(to: str, name: str = "routes") -> Resource:
    route = Route(match=RouteMatch(prefix=""), route=RouteAction(cluster=to))
    host = VirtualHost(name="all", domains=["*"], routes=[route])
    return Resource(ROUTES, name, RouteConfiguration(name=name, virtual_hosts=[host]))


def cluster(name: str) -> Resource:
    eds = ClusterEdsClusterConfig(eds_config=ADS)
    kind = ClusterDiscoveryType.EDS
    return Resource(CLUSTERS, name, Cluster(name=name, type=kind, eds_cluster_config=eds))


def assignment(name: str, port: int) -> Resource:
    address = Address(socket_address=SocketAddress(address="127.0.0.1", port_value=port))
    locality = LocalityLbEndpoints(
        locality=Locality(region="here"),
        load_balancing_weight=1,
        lb_endpoints=[LbEndpoint(endpoint=Endpoint(address=address))],
    )
    return Resource(ENDPOINTS, name, ClusterLoadAssignment(cluster_name=name, endpoints=[locality]))


def led_to(port: int, by: str = "them") -> tuple[Resource, ...]:
    return listener(), routes(to=by), cluster(by), assignment(by, port)


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[int]:
    """Run a backend that answers with its name, and yield its port."""

    async def answer(_: bytes, __: object) -> bytes:
        return name.encode()

    server = grpc.aio.server()
    handler: Any = grpc.unary_unary_rpc_method_handler(answer)
    _, service, method = METHOD.split("/")
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


class GrpcClient:
    """The program in grpc_client.py, led by a control plane."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def answered_by(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        async with asyncio.timeout(PATIENCE * 2):
            return (await self._process.stdout.readline()).decode().strip()

    async def is_answered_by(self, name: str) -> None:
        """Send requests until one reaches a backend, and none on the way there fails."""
        told = []
        async with asyncio.timeout(PATIENCE * 2):
            while name not in told:
                told.append(await self.answered_by())
        assert set(told) <= {"one", "two"}, told


@asynccontextmanager
async def grpc_client(control_plane: str) -> AsyncIterator[GrpcClient]:
    bootstrap = {
        "xds_servers": [
            {
                "server_uri": control_plane,
                "channel_creds": [{"type": "insecure"}],
                "server_features": ["xds_v3"],
            }
        ],
        "node": {"id": "grpc", "cluster": "tests"},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("grpc_client.py")),
        "xds:///backends",
        METHOD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(bootstrap)},
    )
    assert process.stdin is not None
    try:
        yield GrpcClient(process)
    finally:
        process.stdin.close()
        await process.wait()


@pytest.fixture
async def one() -> AsyncIterator[int]:
    async with backend("one") as port:
        yield port


@pytest.fixture
async def two() -> AsyncIterator[int]:
    async with backend("two") as port:
        yield port


async def test_a_client_is_led_to_its_backend(served: Served, one: int) -> None:  # G18
    assert not served.publish(*led_to(one)).inconsistencies()
    async with grpc_client(served.address) as client:
        assert await client.answered_by() == "one"
        [stream] = served.ads.status().streams

    assert stream.node is not None
    assert stream.node.id == "grpc"
    assert stream.variant == "sotw"
    assert {url: each.names for url, each in stream.types.items()} == {
        LISTENERS: {"backends"},
        ROUTES: {"routes"},
        CLUSTERS: {"them"},
        ENDPOINTS: {"them"},
    }
    assert not any(each.refusal or each.wildcard for each in stream.types.values())


async def test_a_client_that_came_early_waits(served: Served, one: int) -> None:  # S1, family 8
    async with grpc_client(served.address) as client:
        answer = asyncio.create_task(client.answered_by())
        await until(lambda: any(each.types for each in served.ads.status().streams))
        served.publish(*led_to(one))

        assert await answer == "one"


async def test_a_client_follows_an_endpoint_that_moved(  # W1
    served: Served, one: int, two: int
) -> None:
    served.publish(*led_to(one))
    async with grpc_client(served.address) as client:
        await client.is_answered_by("one")

        served.publish(*led_to(two))

        await client.is_answered_by("two")


async def test_a_client_follows_its_route_to_another_cluster_without_a_failure(  # O1, family 3
    served: Served, one: int, two: int
) -> None:
    served.publish(*led_to(one, by="first"))
    async with grpc_client(served.address) as client:
        await client.is_answered_by("one")

        served.publish(*led_to(two, by="second"))

        await client.is_answered_by("two")


async def test_a_client_survives_a_restart_and_learns_what_changed_meanwhile(  # G17, family 12
    served: Served, one: int, two: int
) -> None:
    served.publish(*led_to(one))
    async with grpc_client(served.address) as client:
        await client.is_answered_by("one")
        await served.ads.stop(PATIENCE)
        assert await client.answered_by() == "one", "it was to keep what it had"

        again = Served()
        again.store.publish(Snapshot.build(led_to(two)))
        await again.ads.start(served.address)
        try:
            await client.is_answered_by("two")
        finally:
            await again.ads.stop(0)


async def test_a_client_whose_listener_comes_to_name_other_routes_loses_no_request(  # O2 G18
    served: Served, one: int, two: int
) -> None:
    def led_by(number: int) -> tuple[Resource, ...]:
        names, to = f"routes-{number}", f"cluster-{number}"
        port = two if number % 2 else one
        return listener(names), routes(to, names), cluster(to), assignment(to, port)

    served.publish(*led_by(0))
    async with grpc_client(served.address) as client:
        await client.is_answered_by("one")
        # It accepts the listener before it asks for the routes that this names now.
        for number in range(1, 15):
            served.publish(*led_by(number))
            await client.is_answered_by("two" if number % 2 else "one")
