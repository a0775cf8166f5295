"""A server to be asked, and clients that say what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from xds.resources import CLUSTERS, Resource
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"


PATIENCE = 10.0


class Served:
    """A running server, its store, and its address."""

    def __init__(self) -> None:
        self.store = SnapshotStore()
        self.ads = AdsServer(self.store, identifier="a-control-plane")
        self.address = ""

    def publish(self, *resources: Resource) -> Snapshot:
        snapshot = Snapshot.build(resources)
        self.store.publish(snapshot)
        return snapshot


class Client:
    """One stream to a server, which says what a test tells it to say."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.call: Any = channel.stream_stream(
            METHOD,
            request_serializer=wire.DiscoveryRequest.SerializeToString,
            response_deserializer=wire.DiscoveryResponse.FromString,
        )()

    async def ask(
        self, type_url: str, *names: str, node: str = "envoy", nonce: str = "", error: str = ""
    ) -> None:
        request = wire.DiscoveryRequest(
            type_url=type_url, resource_names=names, response_nonce=nonce
        )
        if node:
            request.node.id = node
        if error:
            request.error_detail.message = error
        await self.call.write(request)

    async def ack(self, response: wire.DiscoveryResponse, *names: str) -> None:
        await self.ask(response.type_url, *names, node="", nonce=response.nonce)

    async def got(self) -> wire.DiscoveryResponse:
        """Return the next response."""
        async with asyncio.timeout(PATIENCE):
            response = await self.call.read()
        assert isinstance(response, wire.DiscoveryResponse), "the stream ended"
        return response

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """Return how the stream ended: its status and the words that came with it."""
        async with asyncio.timeout(PATIENCE):
            return await self.call.code(), await self.call.details()


@asynccontextmanager
async def connected(address: str, **options: int) -> AsyncIterator[Client]:
    """Open a connection that nothing else shares, and a stream on it."""
    own = (("grpc.use_local_subchannel_pool", 1), *options.items())
    async with grpc.aio.insecure_channel(address, options=own) as channel:
        yield Client(channel)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


def cluster(name: str, content: str = "") -> Resource:
    """Return a cluster that is a message, with its content in a field that nobody reads here."""
    body = b"\x0a" + bytes([len(name)]) + name.encode()
    if content:
        body += b"\xe2\x01" + bytes([len(content)]) + content.encode()
    return Resource(CLUSTERS, name, body)


def names(response: wire.DiscoveryResponse) -> list[bytes]:
    return [resource.value[2:3] for resource in response.resources]
