"""A client that does not read, beside a hundred that do, in both variants."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.clients import (
    DELTA_METHOD,
    METHOD,
    Client,
    DeltaClient,
    Served,
    cluster,
    connection,
    until,
)
from server.http2 import http2
from xds.resources import CLUSTERS, Resource
from xds.wire import discovery_pb2 as wire

FAST = 100
SMALL = "example.org/Small"
# More than a connection holds whose client does not read: 8 MiB, 1 MiB of each type.
LARGE = tuple(f"example.org/Large{number}" for number in range(8))
BODY = bytes(1 << 20)

Kind = type[Client | DeltaClient]
BOTH = pytest.mark.parametrize("kind", [Client, DeltaClient])


def content(number: int) -> list[Resource]:
    """Return the resources of a version; those that are large share their body with the others."""
    large = [Resource(url, "it", BODY, version=str(number)) for url in LARGE]
    return [Resource(SMALL, "it", b"%d" % number), *large]


def told(answer: Any) -> bytes:
    [found] = answer.resources
    body = found.resource if hasattr(found, "resource") else found
    return bytes(body.value)


def version(answer: Any) -> str:
    is_delta = hasattr(answer, "system_version_info")
    return str(answer.system_version_info if is_delta else answer.version_info)


async def ack(client: Any, answer: Any) -> None:
    again = ("it",) if isinstance(client, Client) else ()
    await client.ask(answer.type_url, *again, nonce=answer.nonce)


@asynccontextmanager
async def stuck(served: Served, kind: Kind, logs: list[Any]) -> AsyncIterator[Any]:
    """Run a client that asked for more than fits, and reads nothing."""
    async with connection(served.address) as channel:
        client: Any = kind(channel)
        for url in LARGE:
            await client.ask(url, "it", node="slow")
        await until(lambda: written(logs) > 0)
        yield client


def is_stuck(logs: list[Any]) -> bool:
    """Tell whether a write to the client that does not read has not ended yet."""
    return written(logs) < len(LARGE)


def written(logs: list[Any]) -> int:
    return sum(line["event"] == "sent" and line["node"] == "slow" for line in logs)


@asynccontextmanager
async def readers(served: Served, kind: Kind) -> AsyncIterator[list[Any]]:
    """Run clients that read and accept all they get, and have got the first version."""
    async with AsyncExitStack() as stack:
        clients: list[Any] = []
        for _ in range(FAST):
            client: Any = kind(await stack.enter_async_context(connection(served.address)))
            await client.ask(SMALL, "it", node="fast")
            await ack(client, await client.got())
            clients.append(client)
        yield clients


async def follow(client: Any, last: int) -> list[int]:
    """Read and accept until the last version arrives, and return all that did."""
    found: list[int] = []
    while last not in found:
        answer = await client.got()
        await ack(client, answer)
        found.append(int(told(answer)))
    return found


@BOTH
async def test_none_that_reads_misses_a_version_because_of_one_that_does_not(  # family 11
    kind: Kind, served: Served
) -> None:
    served.publish(*content(0))
    with capture_logs() as logs:
        async with stuck(served, kind, logs), readers(served, kind) as clients:
            for number in range(1, 21):
                served.publish(*content(number))
                answers = await asyncio.gather(*(client.got() for client in clients))
                assert {told(answer) for answer in answers} == {b"%d" % number}
                await asyncio.gather(*map(ack, clients, answers))
                await until(lambda: all_accepted(served))
            assert is_stuck(logs)


def all_accepted(served: Served) -> bool:
    states = (each.types.get(SMALL) for each in served.ads.status().streams)
    return all(state is None or state.version_acked == state.version_sent for state in states)


@BOTH
async def test_all_that_read_end_with_the_last_of_a_thousand_versions(  # family 11
    kind: Kind, served: Served
) -> None:
    served.publish(*content(0))
    with capture_logs() as logs:
        async with stuck(served, kind, logs), readers(served, kind) as clients:
            following = [asyncio.create_task(follow(client, 1_000)) for client in clients]
            for number in range(1, 1_001):
                served.publish(*content(number))
                await asyncio.sleep(0)
            found = await asyncio.gather(*following)
            assert is_stuck(logs)

    # Nothing was queued, and none had to wait for all to be over: the last is not all that came.
    assert all(versions == sorted(set(versions)) for versions in found)
    assert all(len(versions) > 1 for versions in found)


@BOTH
async def test_one_that_reads_again_gets_the_latest_at_once(  # G17a, family 10 and 11
    kind: Kind, served: Served
) -> None:
    served.publish(*content(0))
    with capture_logs() as logs:
        async with stuck(served, kind, logs) as slow:
            for number in range(1, 1_001):
                last = served.publish(*content(number))
                await asyncio.sleep(0)
            assert is_stuck(logs)
            # Those that were written, and the one that waits for room.
            in_flight = written(logs) + 1

            latest: set[str] = set()
            read = 0
            while len(latest) < len(LARGE):
                answer = await slow.got()
                read += 1
                await ack(slow, answer)
                if version(answer) == last.version(answer.type_url):
                    latest.add(answer.type_url)

    assert read <= in_flight + len(LARGE)


@pytest.mark.parametrize(
    ("method", "request_type"),
    [(METHOD, wire.DiscoveryRequest), (DELTA_METHOD, wire.DeltaDiscoveryRequest)],
)
async def test_one_that_leaves_in_the_middle_of_a_message_is_no_error(  # family 9
    method: str, request_type: type[Any], served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.publish(cluster("a"))
    before = len(asyncio.all_tasks())
    request = request_type(type_url=CLUSTERS)
    request.node.id = "slow"
    async with http2(served.address, window=0) as client:
        await client.call(method, request.SerializeToString())
        await until(lambda: any(each.types for each in served.ads.status().streams))
        assert served.ads.status().streams[0].types[CLUSTERS].nonce
    await until(lambda: not served.ads._streams and len(asyncio.all_tasks()) <= before)

    # gRPC would tell it there, with a page of traceback.
    assert not caplog.records


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@BOTH
@pytest.mark.usefixtures("traced")
async def test_one_that_does_not_read_costs_the_same_for_many_versions_as_for_few(  # family 9
    kind: Kind, served: Served
) -> None:
    served.publish(*content(0))
    peaks = []
    with capture_logs() as logs:
        async with stuck(served, kind, logs):
            for publishes in (100, 1_000):
                tracemalloc.reset_peak()
                for number in range(publishes):
                    served.publish(*content(number))
                    await asyncio.sleep(0)
                    if number % 50 == 0:
                        # What only the collector finds is in neither peak by chance.
                        gc.collect()
                peaks.append(tracemalloc.get_traced_memory()[1])
            assert is_stuck(logs)

    few, many = peaks
    # Nine resources are more than 1 KB, so a tenth of what 900 versions would cost at least.
    assert many - few < 90_000
