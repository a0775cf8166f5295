"""The ADS server over real gRPC: a port, a channel, and the messages that cross it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy_data_plane.envoy.config.core.v3 import BuildVersion, Extension, Locality, Node
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryRequest, DiscoveryResponse
from envoy_data_plane.envoy.type.v3 import SemanticVersion
from envoy_data_plane.google.protobuf import Struct
from envoy_data_plane.google.rpc import Status
from structlog.testing import capture_logs

from xds.ports import free_port
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.server.ads import AdsServer
from xds.server.stream import Stream
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


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    running = Served()
    running.address = f"127.0.0.1:{await running.ads.start('127.0.0.1:0')}"
    try:
        yield running
    finally:
        await running.ads.stop(0)


@asynccontextmanager
async def connected(address: str, **options: int) -> AsyncIterator[Client]:
    """Open a connection that nothing else shares, and a stream on it."""
    own = (("grpc.use_local_subchannel_pool", 1), *options.items())
    async with grpc.aio.insecure_channel(address, options=own) as channel:
        yield Client(channel)


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    async with connected(served.address) as opened:
        yield opened


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


async def test_the_first_request_is_answered(served: Served, client: Client) -> None:  # S1 G3 G4
    snapshot = served.publish(cluster("a"), cluster("b"))

    await client.ask(CLUSTERS)
    answer = await client.got()

    assert answer.type_url == CLUSTERS
    assert {resource.type_url for resource in answer.resources} == {CLUSTERS}
    assert [resource.value for resource in answer.resources] == [
        cluster("a").body,
        cluster("b").body,
    ]
    assert answer.version_info == snapshot.version(CLUSTERS)
    assert answer.nonce


async def test_an_ack_is_answered_with_silence(served: Served, client: Client) -> None:  # S2 G12
    served.publish(cluster("a"))
    await client.ask(CLUSTERS)
    await client.ack(await client.got())

    # Had the ACK an answer, that would be the next message, not the one to the next question.
    await client.ask(LISTENERS)

    assert (await client.got()).type_url == LISTENERS
    served.publish(cluster("a"), cluster("b"))
    assert names(await client.got()) == [b"a", b"b"]


async def test_a_nack_is_answered_with_silence_and_told_in_the_log(  # G6 G7, family 15
    served: Served, client: Client
) -> None:
    served.publish(cluster("a", "bad"))
    with capture_logs() as logs:
        await client.ask(CLUSTERS, node="envoy-7")
        refused = await client.got()
        await client.ask(CLUSTERS, nonce=refused.nonce, error="no such thing")
        await client.ask(LISTENERS)

        assert (await client.got()).type_url == LISTENERS

    [told] = [line for line in logs if line["log_level"] == "warning"]
    assert told["event"] == "envoy refused the configuration"
    assert (told["node"], told["type"], told["reason"]) == ("envoy-7", "Cluster", "no such thing")
    served.publish(cluster("a", "good"))
    assert (await client.got()).resources[0].value == cluster("a", "good").body


async def test_a_publish_reaches_every_client(served: Served) -> None:
    served.publish(cluster("a"))
    async with connected(served.address) as one, connected(served.address) as other:
        for client in (one, other):
            await client.ask(CLUSTERS)
            await client.ack(await client.got())

        served.publish(cluster("a"), cluster("b"))

        assert names(await one.got()) == [b"a", b"b"]
        assert names(await other.got()) == [b"a", b"b"]


async def test_a_client_that_came_early_is_served_with_the_first_snapshot(  # S1, family 8
    served: Served, client: Client
) -> None:
    with capture_logs() as logs:
        await client.ask(CLUSTERS)
        await until(lambda: bool(logs))
    assert [line["event"] for line in logs] == ["envoy connected"]

    served.publish(cluster("a"))

    assert names(await client.got()) == [b"a"]


async def test_only_named_load_assignments_are_sent(served: Served, client: Client) -> None:  # S7
    served.publish(Resource(ENDPOINTS, "a", b"of a"), Resource(ENDPOINTS, "b", b"of b"))

    await client.ask(ENDPOINTS, "b")

    assert [resource.value for resource in (await client.got()).resources] == [b"of b"]


async def test_every_response_names_the_control_plane(  # G15
    served: Served, client: Client
) -> None:
    served.publish(cluster("a"))

    await client.ask(CLUSTERS)

    assert (await client.got()).control_plane.identifier == "a-control-plane"


async def test_a_stream_that_begins_without_a_node_is_refused(client: Client) -> None:  # G1
    await client.ask(CLUSTERS, node="")

    code, words = await client.end()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert words == "the first request of a stream must carry a node with an id"


async def test_later_requests_need_no_node(served: Served, client: Client) -> None:  # G1
    served.publish(cluster("a"))
    await client.ask(CLUSTERS)
    await client.ack(await client.got())

    await client.ask(LISTENERS, node="")

    assert (await client.got()).type_url == LISTENERS


async def test_a_request_without_a_type_is_refused(client: Client) -> None:  # G2
    await client.ask("")

    code, words = await client.end()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert words == "a request on the aggregated stream names no type_url"


async def test_a_client_that_said_its_last_is_let_go_with_ok(  # G17
    served: Served, client: Client
) -> None:
    served.publish(cluster("a"))
    await client.ask(CLUSTERS)
    await client.got()

    await client.call.done_writing()

    assert await client.end() == (grpc.StatusCode.OK, "")
    await until(lambda: not served.ads._streams)
    assert not served.store._followers


async def test_a_client_that_never_said_anything_is_let_go_with_ok(client: Client) -> None:  # G17
    await client.call.done_writing()

    assert await client.end() == (grpc.StatusCode.OK, "")


async def test_stopping_ends_every_stream_with_unavailable(served: Served) -> None:  # G17
    served.publish(cluster("a"))
    async with connected(served.address) as busy, connected(served.address) as silent:
        await busy.ask(CLUSTERS)
        await busy.got()
        await until(lambda: len(served.ads._streams) == 2)

        async with asyncio.timeout(PATIENCE):
            await served.ads.stop(PATIENCE * 2)

        ended = (grpc.StatusCode.UNAVAILABLE, "the control plane is stopping")
        assert await busy.end() == ended
        assert await silent.end() == ended


async def test_a_stopped_server_gives_its_port_back() -> None:
    store = SnapshotStore()
    first, second = AdsServer(store), AdsServer(store)
    port = await first.start("127.0.0.1:0")
    await first.stop(0)

    try:
        assert await second.start(f"127.0.0.1:{port}") == port
    finally:
        await second.stop(0)


async def test_a_server_that_never_started_can_be_stopped() -> None:
    await AdsServer(SnapshotStore()).stop(0)


async def test_a_port_in_use_is_an_error_that_names_it(served: Served) -> None:
    with pytest.raises(OSError, match="can not listen") as raised:
        await AdsServer(SnapshotStore()).start(served.address)

    assert str(raised.value) == f"can not listen on {served.address}: Address already in use"


async def test_an_address_that_is_none_is_an_error_that_says_what_is_right() -> None:
    with pytest.raises(ValueError, match="no address") as raised:
        await AdsServer(SnapshotStore()).start("localhost")

    assert (
        str(raised.value) == "'localhost' is no address; write host:port, such as 127.0.0.1:18000"
    )


async def test_a_host_that_is_not_this_machine_is_an_error_that_says_so() -> None:
    # Of the addresses that are kept for documentation: no machine has it.
    with pytest.raises(OSError, match="can not listen") as raised:
        await AdsServer(SnapshotStore()).start("203.0.113.7:0")

    assert str(raised.value) == "can not listen on 203.0.113.7:0: Cannot assign requested address"


async def test_a_host_name_that_can_be_none_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"can not listen on a\.\.b:0: "):
        await AdsServer(SnapshotStore()).start("a..b:0")


async def test_an_ipv6_address_is_listened_on() -> None:
    store = SnapshotStore()
    server = AdsServer(store)
    try:
        free_port("::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    store.publish(Snapshot.build([cluster("a")]))
    try:
        port = await server.start("[::1]:0")
        async with connected(f"[::1]:{port}") as client:
            await client.ask(CLUSTERS)
            assert names(await client.got()) == [b"a"]
    finally:
        await server.stop(0)


async def test_a_request_of_five_mebibytes_is_taken(served: Served, client: Client) -> None:  # G20
    served.publish(Resource(ENDPOINTS, "the-last", b"of the last"))
    many = [f"{number:01024}" for number in range(5 * 1024)]

    await client.ask(ENDPOINTS, *many, "the-last")

    assert [resource.value for resource in (await client.got()).resources] == [b"of the last"]


async def test_a_response_of_five_mebibytes_is_sent(served: Served) -> None:  # G20
    body = bytes(5 << 20)
    served.publish(Resource(ROUTES, "large", body))
    limits = {"grpc.max_receive_message_length": 6 << 20}
    async with connected(served.address, **limits) as client:
        await client.ask(ROUTES, "large")

        assert (await client.got()).resources[0].value == body


def first_request() -> DiscoveryRequest:
    """Return a request with all that Envoy tells about itself, in Envoy's own message."""
    version = BuildVersion(
        version=SemanticVersion(major_number=1, minor_number=36),
        metadata=Struct.from_dict({"build.type": "RELEASE"}),
    )
    return DiscoveryRequest(
        node=Node(
            id="envoy",
            cluster="llm-gateway",
            metadata=Struct.from_dict({"role": "gateway", "zones": ["a", "b"]}),
            locality=Locality(region="eu", zone="a"),
            user_agent_name="envoy",
            user_agent_build_version=version,
            extensions=[
                Extension(name=f"envoy.filters.{number}", category="envoy.filters.http")
                for number in range(1_000)
            ],
            client_features=["envoy.lb.does_not_support_overprovisioning"],
        ),
        type_url=CLUSTERS,
    )


async def test_the_messages_are_envoys_on_the_wire(served: Served) -> None:  # G16
    served.publish(cluster("a"), cluster("b"))
    async with grpc.aio.insecure_channel(served.address) as channel:
        call: Any = channel.stream_stream(METHOD)()
        with capture_logs() as logs:
            await call.write(bytes(first_request()))
            async with asyncio.timeout(PATIENCE):
                answer = DiscoveryResponse.parse(await call.read())

            assert answer.type_url == CLUSTERS
            assert [resource.type_url for resource in answer.resources] == [CLUSTERS, CLUSTERS]
            assert answer.resources[1].value == cluster("b").body
            assert answer.control_plane is not None
            assert answer.control_plane.identifier == "a-control-plane"

            refusal = DiscoveryRequest(
                version_info="",
                type_url=CLUSTERS,
                response_nonce=answer.nonce,
                error_detail=Status(code=13, message="words"),
            )
            await call.write(bytes(refusal))
            await until(lambda: any(line["log_level"] == "warning" for line in logs))
    assert {line["event"]: line for line in logs}["envoy connected"]["node"] == "envoy"
    assert [line["reason"] for line in logs if "reason" in line] == ["words"]


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

    async def publish(stream: Stream) -> None:
        nonlocal woken
        woken += 1
        await really(stream)

    really = Stream._publish
    monkeypatch.setattr(Stream, "_publish", publish)
    await client.ask(CLUSTERS)
    for number in range(3):
        served.publish(cluster("a", str(number)))
        await client.ack(await client.got())
    # By the answer to this, the last ACK was taken too.
    await client.ask(LISTENERS)
    await client.got()

    assert woken <= 3


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
