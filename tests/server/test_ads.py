"""The ADS server over real gRPC: a port, a channel, and the messages that cross it."""

import asyncio
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

from server.clients import METHOD, PATIENCE, Client, Served, cluster, connected, names, until
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.store import SnapshotStore


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
