"""What a thousand clients leave behind that came and went: nothing."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from server.clients import DeltaClient, Served, cluster, connection, until
from server.test_ads_pressure import come_and_go
from xds.protocol.messages import ProtocolError
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS
from xds.server.stream import Language, Memory, Stream
from xds.server.transport import sotw_encoder, sotw_request
from xds.snapshot import Snapshot
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

CLUSTER_SERVICE = "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters"
WAYS = 6
# A stream and its session are 4 KB, so one in ten that is kept would show. What gRPC and asyncio
# keep of a thousand clients is a tenth of this.
BOUND = 400_000


async def come_and_go_delta(address: str, way: int) -> None:
    """Connect, be served incrementally, and leave in one of two ways."""
    async with connection(address) as channel:
        if way == 4:
            client = DeltaClient(channel)
            await client.ask(CLUSTERS)
        else:
            client = DeltaClient(channel, CLUSTER_SERVICE)
            await client.ask("")
        await client.nack(await client.got(), "no such thing")


async def many(served: Served, count: int) -> None:
    """Let clients come and go, some at a time, and wait until the server is done with them."""
    before = len(asyncio.all_tasks())
    for start in range(0, count, 20):
        async with asyncio.TaskGroup() as clients:
            for number in range(start, min(start + 20, count)):
                way = number % WAYS
                visit = come_and_go if way < 4 else come_and_go_delta
                clients.create_task(visit(served.address, way))
        # Versions move on, while some are connected and some are gone.
        served.publish(cluster("a", str(start)))
    await until(lambda: not served.ads._streams and len(asyncio.all_tasks()) <= before)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("traced")
async def test_a_thousand_clients_leave_no_memory_behind(served: Served) -> None:  # G17, family 9
    served.publish(cluster("a"))
    await many(served, 100)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()

    await many(served, 1_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()

    assert after - before < BOUND
    assert not served.store._followers
    assert not [each for each in gc.get_objects() if isinstance(each, Stream)]


class _Message(bytes):
    """Bytes that tell when nobody has them any longer; there are no weak references to bytes."""

    gone: asyncio.Event

    def __del__(self) -> None:
        self.gone.set()


class _OneMessage:
    """A client that says one thing, and then listens."""

    def __init__(self, message: bytes) -> None:
        self._unsaid = [message]
        self.is_waiting = asyncio.Event()

    def peer(self) -> str:
        return "nobody"

    async def read(self) -> bytes | None:
        if self._unsaid:
            return self._unsaid.pop()
        self.is_waiting.set()
        await asyncio.Event().wait()
        return None

    async def write(self, message: bytes) -> None:
        raise AssertionError(message)


async def test_a_stream_keeps_nothing_of_the_bytes_of_a_message() -> None:  # family 9
    # The node of an Envoy has 60 KB, and some send it with each request.
    request = wire.DiscoveryRequest(type_url=CLUSTERS, node=wire.Node(id="a"))
    message = _Message(request.SerializeToString())
    gone = message.gone = asyncio.Event()
    connection = _OneMessage(message)
    store = SnapshotStore()
    language = Language(SotwSession, sotw_request, sotw_encoder("xds"))
    stream = Stream(connection, store, language, service="", hold=20, doubts=Memory())
    del message
    running = asyncio.create_task(stream.run())

    await asyncio.wait_for(connection.is_waiting.wait(), 10)

    assert gone.is_set()
    stream.stop()
    assert not await running


async def test_a_stream_that_ends_with_an_error_keeps_nothing_either() -> None:  # family 9
    message = _Message(b"\xff")
    gone = message.gone = asyncio.Event()
    language = Language(SotwSession, sotw_request, sotw_encoder("xds"))
    connection = _OneMessage(message)
    stream = Stream(connection, SnapshotStore(), language, service="", hold=20, doubts=Memory())
    del message
    # It would find what holds itself, but seldom looks.
    gc.disable()
    try:
        with pytest.raises(ProtocolError, match="no DiscoveryRequest"):
            await stream.run()
        await asyncio.wait_for(gone.wait(), 10)
    finally:
        gc.enable()


class _SlowReader(_OneMessage):
    """A client that says one thing, and takes what it is sent when it has room."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.is_sent_to = asyncio.Event()
        self.has_room = asyncio.Event()

    async def write(self, message: bytes) -> None:
        assert message
        self.is_sent_to.set()
        await self.has_room.wait()


async def test_a_stream_does_not_end_in_the_middle_of_a_message() -> None:  # G17
    request = wire.DiscoveryRequest(type_url=CLUSTERS, node=wire.Node(id="a"))
    connection = _SlowReader(request.SerializeToString())
    store = SnapshotStore()
    store.publish(Snapshot.build([]))
    language = Language(SotwSession, sotw_request, sotw_encoder("xds"))
    stream = Stream(connection, store, language, service="", hold=20, doubts=Memory())
    running = asyncio.create_task(stream.run())
    await connection.is_sent_to.wait()

    stream.stop()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    connection.has_room.set()
    assert not await asyncio.wait_for(running, 10)


def test_a_memory_is_of_the_latest_nodes_alone() -> None:  # family 9
    memory = Memory()
    for number in range(11_000):
        memory.keep("", str(number), frozenset({CLUSTERS}))
    assert len(memory._types) == 10_000
    assert memory.of("", "10999") == {CLUSTERS}
    assert memory.of("", "1") == memory.of(CLUSTERS, "10999") == frozenset()

    memory.keep("", "10999", frozenset())
    assert memory.of("", "10999") == frozenset()
