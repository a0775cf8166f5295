"""How much one client may ask of a server: streams, bytes in, bytes out."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from server.clients import (
    Client,
    DeltaClient,
    Served,
    bodies,
    cluster,
    connected,
    connection,
    names,
    until,
)
from xds.resources import CLUSTERS, ENDPOINTS, ROUTES, Resource

MEBIBYTE = 1 << 20


async def test_a_stream_beyond_the_hundredth_waits_for_one_to_end(served: Served) -> None:
    served.publish(cluster("a"))
    async with connection(served.address) as channel:
        clients = [Client(channel) for _ in range(100)]
        for client in clients:
            await client.ask(CLUSTERS)
            assert names(await client.got()) == [b"a"]
        late = Client(channel)
        asking = asyncio.create_task(late.ask(CLUSTERS))
        # A round trip on the same connection, which the late one would have come before.
        await clients[1].ask("example.org/Unknown")
        await clients[1].ask(ENDPOINTS, "a")
        served.publish(cluster("a"), Resource(ENDPOINTS, "a", b""))
        assert (await clients[1].got()).type_url == ENDPOINTS
        assert len(served.ads.status().streams) == 100

        clients[0].call.cancel()

        await asking
        assert names(await late.got()) == [b"a"]


async def test_other_connections_do_not_count(served: Served) -> None:
    served.publish(cluster("a"))
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(connection(served.address))
        for client in [Client(channel) for _ in range(100)]:
            await client.ask(CLUSTERS)
            await client.got()

        async with connected(served.address) as other:
            await other.ask(CLUSTERS)
            assert names(await other.got()) == [b"a"]


@pytest.mark.parametrize("kind", [Client, DeltaClient])
async def test_a_request_of_31_mebibytes_is_taken(  # G20
    kind: type[Client | DeltaClient], served: Served
) -> None:
    served.publish(Resource(ENDPOINTS, "last", b""))
    many = [f"{number:0{MEBIBYTE}}" for number in range(31)]
    async with connection(served.address) as channel:
        client: Any = kind(channel)
        await client.ask(ENDPOINTS, *many, "last")

        # Names that lead nowhere are told incrementally, so the answer is as large.
        assert kind is DeltaClient or len((await client.got()).resources) == 1
        await until(lambda: bool(served.ads.status().streams[0].types))
        assert len(served.ads.status().streams[0].types[ENDPOINTS].names) == 32


async def test_a_request_beyond_32_mebibytes_ends_its_stream_alone(served: Served) -> None:  # G20
    served.publish(cluster("a"))
    async with connection(served.address) as channel:
        small, large = Client(channel), Client(channel)
        await small.ask(CLUSTERS)
        await small.ack(await small.got())
        await large.ask(ENDPOINTS, "x" * (33 * MEBIBYTE))
        code, _ = await large.end()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED

        served.publish(cluster("b"))

        assert names(await small.got()) == [b"b"]
    await until(lambda: not served.ads.status().streams)


async def test_a_response_has_no_limit_of_the_servers(served: Served) -> None:  # G20
    body = bytes(40 * MEBIBYTE)
    served.publish(Resource(ROUTES, "large", body))
    async with connected(
        served.address, **{"grpc.max_receive_message_length": 41 * MEBIBYTE}
    ) as client:
        await client.ask(ROUTES, "large")

        assert bodies(await client.got()) == [body]


async def test_a_client_whose_own_limit_is_lower_ends_alone(
    served: Served,
) -> None:  # G20, family 9
    served.publish(Resource(ROUTES, "large", bytes(5 * MEBIBYTE)), cluster("a"))
    async with connection(served.address) as channel:
        other, refuses = Client(channel), Client(channel)
        await refuses.ask(ROUTES, "large")
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            await refuses.got()

        await other.ask(CLUSTERS)
        assert names(await other.got()) == [b"a"]
        await until(lambda: len(served.ads.status().streams) == 1)
