"""gRPC's health service: what those who keep the control plane alive are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import h2.events
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.clients import PATIENCE, Served, cluster, connection, until
from server.http2 import Http2, http2
from xds.server.services import SERVICES

Answer = health_pb2.HealthCheckResponse
NAMES = ("", *(service.name for service in SERVICES))


class Watcher:
    """A client that is told each change of the health of one service."""

    def __init__(self, channel: grpc.aio.Channel, service: str) -> None:
        request = health_pb2.HealthCheckRequest(service=service)
        stub: Any = health_pb2_grpc.HealthStub(channel)
        self.call = stub.Watch(request)

    async def told(self) -> int:
        async with asyncio.timeout(PATIENCE):
            answer = await self.call.read()
        assert isinstance(answer, Answer), "the stream ended"
        return answer.status


@asynccontextmanager
async def watching(address: str, service: str) -> AsyncIterator[Watcher]:
    async with connection(address) as channel:
        yield Watcher(channel, service)


async def watch(client: Http2, service: str) -> None:
    """Watch frame by frame: gRPC's client drops what it has not read when a connection ends."""
    request = health_pb2.HealthCheckRequest(service=service)
    await client.call("/grpc.health.v1.Health/Watch", request.SerializeToString())


async def told(client: Http2) -> int:
    message = (await client.until(h2.events.DataReceived)).data
    return Answer.FromString(message[5:]).status


async def check(address: str, service: str) -> int:
    async with connection(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(request, timeout=PATIENCE)
    assert isinstance(answer, Answer)
    return answer.status


@pytest.mark.parametrize("name", NAMES)
async def test_serving_begins_with_the_first_snapshot(
    name: str, served: Served
) -> None:  # family 8
    async with watching(served.address, name) as watcher:
        assert await watcher.told() == Answer.NOT_SERVING
        assert await check(served.address, name) == Answer.NOT_SERVING

        served.publish(cluster("a"))

        assert await watcher.told() == Answer.SERVING
        assert await check(served.address, name) == Answer.SERVING


@pytest.mark.parametrize("name", NAMES)
async def test_serving_ends_with_the_server(name: str, served: Served) -> None:
    served.publish(cluster("a"))
    async with http2(served.address) as watcher:
        await watch(watcher, name)
        assert await told(watcher) == Answer.SERVING

        await served.ads.stop(PATIENCE)

        assert await told(watcher) == Answer.NOT_SERVING


async def test_a_store_that_has_a_snapshot_is_served_from_the_start(served: Served) -> None:
    served.publish(cluster("a"))

    assert await check(served.address, "") == Answer.SERVING


async def test_a_service_that_is_none_is_not_found(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await check(served.address, "example.org.Unknown")

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_who_watches_a_service_that_is_none_is_told_so(served: Served) -> None:
    async with watching(served.address, "example.org.Unknown") as watcher:
        assert await watcher.told() == Answer.SERVICE_UNKNOWN


async def test_one_who_stops_watching_takes_nothing_from_another(served: Served) -> None:
    async with watching(served.address, "") as stays:
        assert await stays.told() == Answer.NOT_SERVING
        before = len(asyncio.all_tasks())
        async with watching(served.address, "") as leaves:
            assert await leaves.told() == Answer.NOT_SERVING
        await until(lambda: len(asyncio.all_tasks()) <= before)
        served.publish(cluster("a"))

        assert await stays.told() == Answer.SERVING


async def test_one_who_does_not_read_does_not_hold_up_the_end(served: Served) -> None:  # family 9
    async with http2(served.address, window=0) as stuck, http2(served.address) as watcher:
        # It has no room for the answer.
        await watch(stuck, "")
        await watch(watcher, "")
        assert await told(watcher) == Answer.NOT_SERVING
        served.publish(cluster("a"))
        assert await told(watcher) == Answer.SERVING

        async with asyncio.timeout(PATIENCE):
            await served.ads.stop(0.1)

        assert await told(watcher) == Answer.NOT_SERVING
