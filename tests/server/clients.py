"""A server to be asked, and clients that say what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio

from xds.resources import CLUSTERS, Resource
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
DELTA_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
PATIENCE = 10.0

M = TypeVar("M")


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


class Call(Generic[M]):
    """One stream to a server, which says what a test tells it to say."""

    def __init__(self, call: Any, answer: type[M]) -> None:
        self.call = call
        self._answer = answer
        self._turn = asyncio.Lock()

    async def say(self, request: object) -> None:
        """Send a message; gRPC takes one at a time."""
        async with self._turn:
            await self.call.write(request)

    async def got(self) -> M:
        """Return the next response."""
        async with asyncio.timeout(PATIENCE):
            response = await self.call.read()
        assert isinstance(response, self._answer), "the stream ended"
        return response

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """Return how the stream ended: its status and the words that came with it."""
        async with asyncio.timeout(PATIENCE):
            return await self.call.code(), await self.call.details()


class Client(Call[wire.DiscoveryResponse]):
    """A stream in the state-of-the-world variant."""

    def __init__(self, channel: grpc.aio.Channel, method: str = METHOD) -> None:
        stream: Any = channel.stream_stream(
            method,
            request_serializer=wire.DiscoveryRequest.SerializeToString,
            response_deserializer=wire.DiscoveryResponse.FromString,
        )
        super().__init__(stream(), wire.DiscoveryResponse)

    async def ask(
        self,
        type_url: str,
        *names: str,
        node: str = "envoy",
        nonce: str = "",
        version: str = "",
        error: str = "",
    ) -> None:
        request = wire.DiscoveryRequest(
            type_url=type_url, resource_names=names, response_nonce=nonce, version_info=version
        )
        if node:
            request.node.id = node
        if error:
            request.error_detail.message = error
        await self.say(request)

    async def ack(self, response: wire.DiscoveryResponse, *names: str) -> None:
        await self.ask(response.type_url, *names, node="", nonce=response.nonce)

    async def nack(self, response: wire.DiscoveryResponse, error: str, *names: str) -> None:
        await self.ask(response.type_url, *names, node="", nonce=response.nonce, error=error)


class DeltaClient(Call[wire.DeltaDiscoveryResponse]):
    """A stream in the incremental variant."""

    def __init__(self, channel: grpc.aio.Channel, method: str = DELTA_METHOD) -> None:
        stream: Any = channel.stream_stream(
            method,
            request_serializer=wire.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=wire.DeltaDiscoveryResponse.FromString,
        )
        super().__init__(stream(), wire.DeltaDiscoveryResponse)

    async def ask(
        self,
        type_url: str,
        *names: str,
        unsubscribe: Iterable[str] = (),
        has: Mapping[str, str] = MappingProxyType({}),
        node: str = "envoy",
        nonce: str = "",
        error: str = "",
    ) -> None:
        """Subscribe to names; `has` are the versions with which the client comes."""
        request = wire.DeltaDiscoveryRequest(
            type_url=type_url,
            resource_names_subscribe=names,
            resource_names_unsubscribe=unsubscribe,
            initial_resource_versions=has,
            response_nonce=nonce,
        )
        if node:
            request.node.id = node
        if error:
            request.error_detail.message = error
        await self.say(request)

    async def ack(self, response: wire.DeltaDiscoveryResponse) -> None:
        await self.ask(response.type_url, node="", nonce=response.nonce)

    async def nack(self, response: wire.DeltaDiscoveryResponse, error: str) -> None:
        await self.ask(response.type_url, node="", nonce=response.nonce, error=error)


@asynccontextmanager
async def connection(address: str, **options: int) -> AsyncIterator[grpc.aio.Channel]:
    """Open a connection that nothing else shares."""
    own = (("grpc.use_local_subchannel_pool", 1), *options.items())
    async with grpc.aio.insecure_channel(address, options=own) as channel:
        yield channel


@asynccontextmanager
async def connected(address: str, **options: int) -> AsyncIterator[Client]:
    """Open a connection that nothing else shares, and a stream on it."""
    async with connection(address, **options) as channel:
        yield Client(channel)


@asynccontextmanager
async def connected_delta(address: str, **options: int) -> AsyncIterator[DeltaClient]:
    """Open a connection that nothing else shares, and an incremental stream on it."""
    async with connection(address, **options) as channel:
        yield DeltaClient(channel)


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


def versions(response: wire.DeltaDiscoveryResponse) -> dict[str, str]:
    """Return what an incremental response brings: the version of each resource."""
    return {resource.name: resource.version for resource in response.resources}


def bodies(response: wire.DiscoveryResponse) -> list[bytes]:
    return [resource.value for resource in response.resources]
