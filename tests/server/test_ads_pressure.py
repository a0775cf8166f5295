"""Clients that do not read, that come and go, and servers that stop."""

import asyncio
import itertools
from typing import Any

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from server.clients import METHOD, PATIENCE, Client, Served, cluster, connected, names, until
from xds.protocol.messages import Response
from xds.resources import CLUSTERS, LISTENERS, ROUTES, Resource
from xds.server.ads import AdsServer
from xds.server.stream import Stream
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

LARGE = tuple(f"example.org/Large{number}" for number in range(8))


def large(version: int) -> list[Resource]:
    """Return more than a connection holds whose client does not read."""
    return [Resource(url, "large", bytes(1 << 20), version=str(version)) for url in LARGE]


async def ask_for_too_much(client: Client) -> None:
    """Ask for more than fits, without reading any of it."""
    for url in LARGE:
        await client.ask(url, "large", node="slow")


def sent_to_slow(logs: list[Any]) -> int:
    return sum(line["event"] == "sent" and line["node"] == "slow" for line in logs)


async def come_and_go(address: str, way: int) -> None:
    """Connect, be served, and leave in one of four ways."""
    async with connected(address) as client:
        await client.ask(CLUSTERS, node="" if way == 0 else "envoy")
        if way == 0:
            await client.end()
            return
        await client.got()
        if way == 1:
            await client.call.done_writing()
            await client.end()
        elif way == 2:
            client.call.cancel()


async def test_a_client_that_does_not_read_delays_nobody_and_then_gets_the_last(  # G17a, family 11
    served: Served,
) -> None:
    served.publish(*large(0), Resource(ROUTES, "small", b"0"))
    async with connected(served.address) as slow, connected(served.address) as reader:
        await reader.ask(ROUTES, "small")
        await reader.ack(await reader.got(), "small")
        with capture_logs() as logs:
            await ask_for_too_much(slow)
            await until(lambda: sent_to_slow(logs) > 0)
            for number in range(1, 1_001):
                last = served.publish(*large(number), Resource(ROUTES, "small", b"%d" % number))
                await asyncio.sleep(0)

            answer = await reader.got()
            while answer.version_info != last.version(ROUTES):
                await reader.ack(answer, "small")
                answer = await reader.got()
            assert [resource.value for resource in answer.resources] == [b"1000"]
            assert sent_to_slow(logs) < len(LARGE), "it was to be stuck all the time"

        versions = dict.fromkeys(LARGE, "")
        while any(version != last.version(url) for url, version in versions.items()):
            answer = await slow.got()
            versions[answer.type_url] = answer.version_info
            await slow.ack(answer, "large")


async def test_a_client_that_does_not_read_does_not_hold_up_the_end(  # G17, family 9
    served: Served,
) -> None:
    served.publish(*large(0))
    async with connected(served.address) as slow:
        with capture_logs() as logs:
            await ask_for_too_much(slow)
            await until(lambda: sent_to_slow(logs) > 0)

            async with asyncio.timeout(PATIENCE):
                await served.ads.stop(0.1)

            await until(lambda: not served.ads._streams)
        assert sent_to_slow(logs) < len(LARGE), "it was to be stuck"
    assert not served.store._followers


async def test_a_stream_rests_when_there_is_nothing_to_do(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = 0

    def news(stream: Stream[Any]) -> list[Response]:
        nonlocal woken
        woken += 1
        return really(stream)

    really = Stream._news
    monkeypatch.setattr(Stream, "_news", news)
    await client.ask(CLUSTERS)
    for number in range(3):
        served.publish(cluster("a", str(number)))
        await client.ack(await client.got())
    # By the answer to this, the last ACK was taken too.
    await client.ask(LISTENERS)
    await client.got()

    # At the beginning, and for each publish.
    assert woken <= 4


async def test_clients_that_came_and_went_leave_nothing_behind(served: Served) -> None:  # G17
    served.publish(cluster("a"))
    await come_and_go(served.address, 1)
    await until(lambda: not served.ads._streams)
    before = len(asyncio.all_tasks())

    for _ in range(10):
        ways = itertools.islice(itertools.cycle(range(4)), 20)
        await asyncio.gather(*(come_and_go(served.address, way) for way in ways))

    await until(lambda: not served.ads._streams)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert not served.store._followers


async def test_a_connection_that_never_says_a_word_holds_up_nothing(served: Served) -> None:
    host, _, port = served.address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(5):
            await served.ads.stop(60)
    finally:
        writer.close()


async def test_bytes_that_are_no_request_are_refused_without_a_page_in_the_log(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)()
        await call.write(b"\xff")
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT

    assert "Traceback" not in "".join(capfd.readouterr())


async def test_routes_wait_for_a_client_that_does_not_answer_only_so_long() -> None:  # O1
    store = SnapshotStore()
    store.publish(Snapshot.build([cluster("a"), Resource(ROUTES, "r", b"")]))
    server = AdsServer(store, hold=0.05)
    port = await server.start("127.0.0.1:0")
    try:
        async with connected(f"127.0.0.1:{port}") as client:
            await client.ask(CLUSTERS)
            # It never answers for its clusters.
            await client.got()
            await client.ask(ROUTES, "r")
            assert (await client.got()).type_url == ROUTES
    finally:
        await server.stop(0)


async def test_what_is_held_back_goes_at_last_though_something_always_changes() -> None:  # O2
    store = SnapshotStore()
    route = Resource(ROUTES, "r", b"1")
    store.publish(Snapshot.build([cluster("a"), cluster("b"), route]))
    server = AdsServer(store, hold=0.2)
    port = await server.start("127.0.0.1:0")
    try:
        async with connected(f"127.0.0.1:{port}") as client:
            await client.ask(CLUSTERS)
            await client.ack(await client.got())
            await client.ask(ROUTES, "r")
            await client.ack(await client.got(), "r")
            # The routes without b are refused, and a changes with every answer.
            store.publish(Snapshot.build([cluster("a"), Resource(ROUTES, "r", b"2")]))
            await client.nack(await client.got(), "no", "r")
            async with asyncio.timeout(PATIENCE):
                for number in itertools.count():
                    changed = [cluster("a", str(number)), Resource(ROUTES, "r", b"2")]
                    store.publish(Snapshot.build(changed))
                    response = await client.got()
                    await client.ack(response)
                    if names(response) == [b"a"]:
                        break
    finally:
        await server.stop(0)
