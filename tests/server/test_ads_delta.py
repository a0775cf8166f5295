"""The incremental variant over real gRPC: what a client asks for, has, and gives up."""

import asyncio
from typing import Any

import grpc.aio
from envoy_data_plane.envoy.config.core.v3 import Node
from envoy_data_plane.envoy.service.discovery.v3 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)
from envoy_data_plane.google.rpc import Status

from server.clients import (
    DELTA_METHOD,
    PATIENCE,
    DeltaClient,
    Served,
    cluster,
    connected_delta,
    versions,
)
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, RUNTIMES, VIRTUAL_HOSTS, Resource


async def silence(client: DeltaClient) -> None:
    """Show that nothing more was to be said: the next answer is to the next question."""
    await client.ask(RUNTIMES, "nothing-of-that-name")
    answer = await client.got()
    assert (answer.type_url, list(answer.removed_resources)) == (RUNTIMES, ["nothing-of-that-name"])
    await client.ack(answer)


async def test_everything_comes_under_its_name_and_version(  # D1 D9 G3 G4 G15
    served: Served, delta: DeltaClient
) -> None:
    a, b = cluster("a"), cluster("b")
    snapshot = served.publish(a, b)

    await delta.ask(CLUSTERS)
    answer = await delta.got()

    assert versions(answer) == {"a": a.version, "b": b.version}
    assert {each.resource.type_url for each in answer.resources} == {CLUSTERS}
    assert [each.resource.value for each in answer.resources] == [a.body, b.body]
    assert (answer.type_url, list(answer.removed_resources)) == (CLUSTERS, [])
    assert answer.system_version_info == snapshot.version(CLUSTERS)
    assert answer.control_plane.identifier == "a-control-plane"
    assert answer.nonce


async def test_after_an_ack_only_what_changed_comes_and_what_went_is_told(  # D10 G12
    served: Served, delta: DeltaClient
) -> None:
    served.publish(cluster("a"), cluster("b"), cluster("c"))
    await delta.ask(CLUSTERS)
    await delta.ack(await delta.got())
    await silence(delta)

    served.publish(cluster("a"), cluster("b", "new"))
    answer = await delta.got()

    assert [each.name for each in answer.resources] == ["b"]
    assert answer.removed_resources == ["c"]


async def test_a_refused_resource_waits_for_other_content(  # G7 D11, family 1
    served: Served, delta: DeltaClient
) -> None:
    served.publish(cluster("a"), cluster("b", "bad"))
    await delta.ask(CLUSTERS)
    await delta.nack(await delta.got(), "no such thing")
    await silence(delta)

    served.publish(cluster("a"), cluster("b", "good"))

    # What stood beside it may not have been taken either, and comes again by itself.
    mended = await delta.got()
    assert [each.resource.value for each in mended.resources] == [cluster("b", "good").body]
    await delta.ack(mended)
    again = await delta.got()
    assert [each.resource.value for each in again.resources] == [cluster("a").body]


async def test_a_name_that_is_given_up_is_silent_until_it_is_asked_for_again(  # D3 D4 D6, family 4
    served: Served, delta: DeltaClient
) -> None:
    a, b = Resource(ENDPOINTS, "a", b"1"), Resource(ENDPOINTS, "b", b"1")
    served.publish(a, b)
    await delta.ask(ENDPOINTS, "a", "b")
    await delta.ack(await delta.got())

    await delta.ask(ENDPOINTS, unsubscribe=["a", "never-asked-for"])
    await silence(delta)
    changed = Resource(ENDPOINTS, "a", b"2")
    served.publish(changed, b)
    await silence(delta)
    await delta.ask(ENDPOINTS, "a", "b")

    assert versions(await delta.got()) == {"a": changed.version, "b": b.version}


async def test_a_name_that_leads_nowhere_is_told_at_once_and_sent_when_created(  # D5, family 5
    served: Served, delta: DeltaClient
) -> None:
    served.publish()
    await delta.ask(ENDPOINTS, "later")
    answer = await delta.got()
    assert not answer.resources
    assert answer.removed_resources == ["later"]
    await delta.ack(answer)
    await silence(delta)

    created = Resource(ENDPOINTS, "later", b"here")
    served.publish(created)

    assert versions(await delta.got()) == {"later": created.version}


async def test_who_comes_back_is_told_the_difference(  # D8, family 12
    served: Served, delta: DeltaClient
) -> None:
    same, new = cluster("a"), cluster("b", "new")
    served.publish(same, new)

    await delta.ask(CLUSTERS, has={"a": same.version, "b": "old", "c": "any"})
    answer = await delta.got()

    assert versions(answer) == {"b": new.version}
    assert answer.removed_resources == ["c"]


async def test_who_comes_back_with_everything_is_not_answered(  # D8 G5, family 12
    served: Served, delta: DeltaClient
) -> None:
    same = cluster("a")
    served.publish(same)

    await delta.ask(CLUSTERS, has={"a": same.version})

    await silence(delta)


async def test_load_assignments_are_answered_whatever_the_client_has(  # W6 D8, family 2
    served: Served, delta: DeltaClient
) -> None:
    same = Resource(ENDPOINTS, "a", b"hosts")
    served.publish(same)

    await delta.ask(ENDPOINTS, "a", has={"a": same.version})

    assert versions(await delta.got()) == {"a": same.version}


async def test_the_wildcard_and_names_beside_it_come_and_go(  # D2 D7, family 7
    served: Served, delta: DeltaClient
) -> None:
    a, b = cluster("a"), cluster("b")
    served.publish(a, b)
    told = []
    for subscribe, unsubscribe in [((), ()), (("a",), ()), ((), ("*",)), ((), ("a",))]:
        await delta.ask(CLUSTERS, *subscribe, unsubscribe=unsubscribe)
        if not unsubscribe:
            answer = await delta.got()
            told.append(sorted(versions(answer)))
            await delta.ack(answer)
    assert told == [["a", "b"], ["a"]]
    await silence(delta)

    served.publish(cluster("a", "new"), cluster("b", "new"))

    await silence(delta)


async def test_a_name_given_up_beside_the_wildcard_is_answered(  # D7, family 7
    served: Served, delta: DeltaClient
) -> None:
    a = cluster("a")
    served.publish(a)
    await delta.ask(CLUSTERS, "*", "a", "missing")
    await delta.ack(await delta.got())

    await delta.ask(CLUSTERS, unsubscribe=["a", "missing"])
    answer = await delta.got()

    assert versions(answer) == {"a": a.version}
    assert answer.removed_resources == ["missing"]


async def test_a_virtual_host_comes_by_its_alias(  # D12 D13
    served: Served, delta: DeltaClient
) -> None:
    host = Resource(VIRTUAL_HOSTS, "routes/shop", b"", aliases=("routes/shop.example",))
    served.publish(host)

    await delta.ask(VIRTUAL_HOSTS, "routes/shop.example")
    [found] = (await delta.got()).resources

    assert (found.name, list(found.aliases)) == ("routes/shop", ["routes/shop.example"])
    assert found.HasField("resource")


async def test_an_alias_that_leads_nowhere_is_answered_without_a_body(  # D12, family 5
    served: Served, delta: DeltaClient
) -> None:
    served.publish()
    await delta.ask(VIRTUAL_HOSTS, "routes/shop.example")
    answer = await delta.got()
    [nothing] = answer.resources
    assert (nothing.name, list(nothing.aliases)) == ("routes/shop.example", ["routes/shop.example"])
    assert not nothing.HasField("resource")
    assert not answer.removed_resources
    await delta.ack(answer)

    served.publish(Resource(VIRTUAL_HOSTS, "routes/shop", b"", aliases=("routes/shop.example",)))

    assert [each.name for each in (await delta.got()).resources] == ["routes/shop"]


async def test_a_type_that_nobody_knows_is_answered_and_holds_up_nothing(  # G9 G10
    served: Served, delta: DeltaClient
) -> None:
    served.publish(Resource(LISTENERS, "a", b""))

    await delta.ask("example.org/Unknown", "x")
    assert (await delta.got()).removed_resources == ["x"]
    await delta.ask(LISTENERS)

    assert (await delta.got()).type_url == LISTENERS


async def test_the_incremental_messages_are_envoys_on_the_wire(served: Served) -> None:  # G16
    a, b = cluster("a"), cluster("b")
    served.publish(a, b)
    async with grpc.aio.insecure_channel(served.address) as channel:
        call: Any = channel.stream_stream(DELTA_METHOD)()
        asked = DeltaDiscoveryRequest(
            node=Node(id="envoy"),
            type_url=CLUSTERS,
            resource_names_subscribe=["*"],
            resource_names_unsubscribe=["x"],
            initial_resource_versions={"a": a.version, "gone": "1"},
        )
        await call.write(bytes(asked))
        async with asyncio.timeout(PATIENCE):
            answer = DeltaDiscoveryResponse.parse(await call.read())

        [changed] = answer.resources
        assert changed.resource is not None
        assert (changed.name, changed.version) == ("b", b.version)
        assert (changed.resource.type_url, changed.resource.value) == (CLUSTERS, b.body)
        assert answer.removed_resources == ["gone"]
        assert answer.type_url == CLUSTERS
        assert answer.control_plane is not None
        assert answer.control_plane.identifier == "a-control-plane"

        refusal = DeltaDiscoveryRequest(
            type_url=CLUSTERS,
            response_nonce=answer.nonce,
            error_detail=Status(code=13, message="words"),
            resource_names_subscribe=["a"],
        )
        await call.write(bytes(refusal))
        async with asyncio.timeout(PATIENCE):
            again = DeltaDiscoveryResponse.parse(await call.read())
        assert [each.name for each in again.resources] == ["a"]
        refused = served.ads.status().streams[0].types[CLUSTERS].refusal
        assert refused is not None
        assert refused.reason == "words"


async def test_both_variants_are_served_to_the_same_end(served: Served) -> None:  # G18
    served.publish(cluster("a"))
    async with connected_delta(served.address) as one, connected_delta(served.address) as other:
        for client in (one, other):
            await client.ask(CLUSTERS)
            await client.ack(await client.got())
        last = cluster("a", "new")

        served.publish(last)

        assert versions(await one.got()) == versions(await other.got()) == {"a": last.version}
