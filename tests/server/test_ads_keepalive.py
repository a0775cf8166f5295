"""Keepalive over real HTTP/2: who pings as often as Envoy does is not sent away."""

import asyncio

import pytest
from h2.events import DataReceived, Event, PingReceived

from server.clients import METHOD, Served, cluster, until
from server.http2 import Http2, http2
from xds.resources import CLUSTERS
from xds.server import ads
from xds.server.ads import AdsServer
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

# Above the shortest interval that is permitted, 5 s, and below Envoy's own, 10 s.
INTERVAL = 5.5


async def ping_until_nothing_is_forgiven(client: Http2) -> None:
    """Ping, wait, and ping once more, which gRPC's defaults would be tired of.

    It forgives two pings that come too early, for it after 300 s, and 2 h without calls.
    """
    for number in range(3):
        await client.ping(number)
    await asyncio.sleep(INTERVAL)
    await client.ping(3)
    await client.is_welcome()


async def on_a_stream(served: Served) -> None:
    async with http2(served.address) as client:
        request = wire.DiscoveryRequest(type_url=CLUSTERS)
        request.node.id = "envoy"
        await client.call(METHOD, request.SerializeToString())
        # Nothing is published, so nothing is sent on the stream but, with the answer to this ping,
        # an update of the window, after which gRPC counts anew.
        await until(lambda: any(each.types for each in served.ads.status().streams))
        await client.ping(9)
        await ping_until_nothing_is_forgiven(client)


async def without_any(address: str) -> bytes:
    async with http2(address) as client:
        await ping_until_nothing_is_forgiven(client)

        # That it counts at all shows in what it says of one too many.
        client.connection.ping(bytes(8))
        await client.flush()
        return await client.until_sent_away()


async def test_a_client_may_ping_as_often_as_envoy_does(served: Served) -> None:  # family 14
    _, told = await asyncio.gather(on_a_stream(served), without_any(served.address))

    assert told == b"too_many_pings"


async def test_a_message_is_not_answered_with_a_ping(served: Served) -> None:
    served.publish(cluster("a"))
    async with http2(served.address) as client:
        request = wire.DiscoveryRequest(type_url=CLUSTERS)
        request.node.id = "envoy"
        await client.call(METHOD, request.SerializeToString())
        seen = await client.until(
            Event, lambda event: isinstance(event, DataReceived | PingReceived)
        )

    assert isinstance(seen, DataReceived)


async def test_a_client_that_vanished_without_a_word_is_forgotten(  # family 9
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As it is, but sooner.
    sooner = {
        "grpc.keepalive_time_ms": 1_000,
        "grpc.keepalive_timeout_ms": 1_000,
        "grpc.http2.ping_timeout_ms": 1_000,
    }
    assert sooner.keys() <= dict(ads._OPTIONS).keys()
    monkeypatch.setattr(ads, "_OPTIONS", tuple({**dict(ads._OPTIONS), **sooner}.items()))
    server = AdsServer(SnapshotStore())
    try:
        async with http2(f"127.0.0.1:{await server.start('127.0.0.1:0')}") as client:
            request = wire.DiscoveryRequest(type_url=CLUSTERS)
            request.node.id = "envoy"
            await client.call(METHOD, request.SerializeToString())
            await until(lambda: bool(server.status().streams))

            # From now on nobody reads what arrives here, and no ping is answered.
            await until(lambda: not server.status().streams)
    finally:
        await server.stop(0)
