"""What a server tells about its clients, as they say and answer things over real gRPC."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from envoy_data_plane.envoy.config.core.v3 import BuildVersion, Locality, Node
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryRequest
from envoy_data_plane.envoy.type.v3 import SemanticVersion

from server.clients import (
    METHOD,
    Client,
    DeltaClient,
    Served,
    cluster,
    connected,
    connection,
    until,
)
from xds.resources import CLUSTERS, ENDPOINTS, Resource
from xds.status import Locality as Place
from xds.status import Status, StreamStatus, TypeStatus

INTRODUCTION = Node(
    id="envoy-7",
    cluster="gateway",
    locality=Locality(region="eu", zone="a", sub_zone="rack-1"),
    user_agent_name="envoy",
    user_agent_build_version=BuildVersion(
        version=SemanticVersion(major_number=1, minor_number=40, patch=2)
    ),
)


def only(served: Served) -> StreamStatus:
    [stream] = served.ads.status().streams
    return stream


async def test_a_server_without_clients_has_nothing_to_tell(served: Served) -> None:
    assert served.ads.status() == Status()


async def test_a_client_is_told_apart_by_all_it_says_about_itself(served: Served) -> None:
    began = datetime.now(UTC)
    async with connection(served.address) as channel:
        call: Any = channel.stream_stream(METHOD)()
        await call.write(bytes(DiscoveryRequest(node=INTRODUCTION, type_url=CLUSTERS)))
        await until(lambda: any(each.node for each in served.ads.status().streams))
        told = only(served)

    assert told.node is not None
    assert (told.node.id, told.node.cluster) == ("envoy-7", "gateway")
    assert told.node.version == "envoy 1.40.2"
    assert told.node.locality == Place("eu", "a", "rack-1")
    assert told.peer.startswith("ipv4:127.0.0.1:")
    assert began <= told.since <= datetime.now(UTC)
    assert told.since.utcoffset() == timedelta(0)


async def test_a_stream_is_listed_before_it_says_anything(served: Served, client: Client) -> None:
    await until(lambda: bool(served.ads.status().streams))

    assert only(served).node is None
    assert not only(served).types
    assert (await client.call.done_writing()) is None


async def test_each_type_stands_where_its_answers_left_it(served: Served, client: Client) -> None:
    first = served.publish(cluster("a"), Resource(ENDPOINTS, "a", b""))
    await client.ask(CLUSTERS)
    clusters = await client.got()
    await client.ask(ENDPOINTS, "a", "b")
    assignments = await client.got()
    await client.ack(clusters)
    await until(lambda: bool(only(served).types[CLUSTERS].version_acked))

    told = only(served)

    assert (told.variant, told.service) == ("sotw", "")
    version = first.version(CLUSTERS)
    assert told.types == {
        CLUSTERS: TypeStatus(
            wildcard=True,
            names=frozenset(),
            version_sent=version,
            version_acked=version,
            nonce=clusters.nonce,
            refusal=None,
        ),
        ENDPOINTS: TypeStatus(
            wildcard=False,
            names=frozenset({"a", "b"}),
            version_sent=first.version(ENDPOINTS),
            version_acked="",
            nonce=assignments.nonce,
            refusal=None,
        ),
    }


@pytest.mark.parametrize("kind", [Client, DeltaClient])
async def test_a_refusal_is_told_until_another_version_is_accepted(  # G6, family 15
    kind: type[Client | DeltaClient], served: Served
) -> None:
    good = served.publish(cluster("a"))
    async with connection(served.address) as channel:
        client: Any = kind(channel)
        await client.ask(CLUSTERS)
        await client.ack(await client.got())
        began = datetime.now(UTC)
        bad = served.publish(cluster("a", "bad"))
        await client.nack(await client.got(), "no such thing")
        await until(lambda: only(served).types[CLUSTERS].refusal is not None)

        told = only(served).types[CLUSTERS]
        assert told.version_acked == good.version(CLUSTERS)
        assert told.version_sent == bad.version(CLUSTERS)
        assert told.refusal is not None
        assert (told.refusal.version, told.refusal.reason) == (told.version_sent, "no such thing")
        assert began <= told.refusal.since <= datetime.now(UTC)

        better = served.publish(cluster("a", "better"))
        await client.ack(await client.got())
        await until(lambda: only(served).types[CLUSTERS].refusal is None)
        assert only(served).types[CLUSTERS].version_acked == better.version(CLUSTERS)


async def test_the_stream_of_a_single_service_says_which(served: Served) -> None:
    served.publish(cluster("a"))
    async with connection(served.address) as channel:
        client = DeltaClient(
            channel, "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters"
        )
        await client.ask("")
        await client.got()

        assert (only(served).variant, only(served).service) == ("delta", CLUSTERS)


async def test_streams_are_told_in_the_order_in_which_they_came_and_not_when_they_ended(
    served: Served,
) -> None:
    served.publish(cluster("a"))

    def nodes() -> list[str]:
        return [each.node.id for each in served.ads.status().streams if each.node]

    async with connected(served.address) as one:
        await one.ask(CLUSTERS, node="one")
        await one.got()
        async with connected(served.address) as two:
            await two.ask(CLUSTERS, node="two")
            await two.got()
            assert nodes() == ["one", "two"]
        await until(lambda: nodes() == ["one"])
        await one.ask("")
        await until(lambda: served.ads.status() == Status())


async def test_what_was_told_stays_as_it_was(served: Served, client: Client) -> None:
    served.publish(cluster("a"))
    await client.ask(CLUSTERS)
    answer = await client.got()
    before = only(served)
    copy = dataclasses.asdict(dataclasses.replace(before, types={}))
    types = dict(before.types)

    await client.ack(answer)
    await until(lambda: bool(only(served).types[CLUSTERS].version_acked))

    assert dict(before.types) == types
    assert dataclasses.asdict(dataclasses.replace(before, types={})) == copy
    with pytest.raises(TypeError):
        before.types[ENDPOINTS] = before.types[CLUSTERS]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.peer = ""  # type: ignore[misc]
