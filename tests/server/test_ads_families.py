"""What other control planes were reported for, in the state-of-the-world variant, over real gRPC.

Their numbers are those of the protocol's rules. The same in the incremental variant is in
test_ads_delta, and the families of load, limits and visibility have modules of their own.
"""

import asyncio

import pytest

from server.clients import (
    PATIENCE,
    Client,
    DeltaClient,
    Served,
    bodies,
    cluster,
    connected,
    connected_delta,
    names,
    until,
    versions,
)
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, SECRETS, Resource


def assignment(name: str, content: bytes = b"") -> Resource:
    return Resource(ENDPOINTS, name, content)


async def silence(served: Served, client: Client) -> None:
    """Show that nothing more was to be said: the next answer is to the next question."""
    await client.ask("example.org/Silence", "told")
    served.publish(*current(served), Resource("example.org/Silence", "told", b""))
    answer = await client.got()
    assert answer.type_url == "example.org/Silence"
    await client.ack(answer)


def current(served: Served) -> list[Resource]:
    """Return what was published last, without what the clusters added to it."""
    assert served.store.current is not None
    everything = served.store.current.resources.values()
    return [
        Resource(each.type_url, each.name, each.body)
        for named in everything
        for each in named.values()
    ]


async def test_a_refused_load_assignment_waits_for_other_content(  # G7, family 1
    served: Served, client: Client
) -> None:
    served.publish(assignment("a", b"bad"))
    await client.ask(ENDPOINTS, "a")
    await client.nack(await client.got(), "no such thing", "a")
    served.publish(assignment("a", b"bad"), cluster("b"))
    await silence(served, client)

    served.publish(assignment("a", b"good"))

    assert bodies(await client.got()) == [b"good"]


async def test_a_changed_cluster_brings_its_load_assignment_along(  # W1 W2 W4, family 2
    served: Served, client: Client
) -> None:
    served.publish(cluster("a"), assignment("a", b"hosts"))
    await client.ask(CLUSTERS)
    await client.ack(await client.got())
    await client.ask(ENDPOINTS, "a")
    await client.ack(await client.got(), "a")
    await silence(served, client)

    served.publish(cluster("a", "new"), assignment("a", b"hosts"))

    # An Envoy that warms answers for its clusters only after this.
    assert (await client.got()).type_url == CLUSTERS
    assert bodies(await client.got()) == [b"hosts"]


async def test_incrementally_a_changed_cluster_brings_it_along_too(  # W3 W4, family 2
    served: Served, delta: DeltaClient
) -> None:
    served.publish(cluster("a"), assignment("a", b"hosts"))
    await delta.ask(CLUSTERS)
    await delta.ack(await delta.got())
    await delta.ask(ENDPOINTS, "a")
    await delta.ack(await delta.got())
    await until(lambda: accepted(served, ENDPOINTS))

    served.publish(cluster("a", "new"), assignment("a", b"hosts"))

    assert (await delta.got()).type_url == CLUSTERS
    assert [each.resource.value for each in (await delta.got()).resources] == [b"hosts"]


def accepted(served: Served, type_url: str) -> bool:
    [stream] = served.ads.status().streams
    return stream.types[type_url].version_acked == stream.types[type_url].version_sent


async def test_who_asks_a_second_time_in_the_same_words_is_answered(  # W1, family 2
    served: Served, client: Client
) -> None:
    served.publish(assignment("a", b"hosts"))
    await client.ask(ENDPOINTS, "a")
    answer = await client.got()
    await client.ack(answer, "a")
    await client.ack(answer, "a")

    assert bodies(await client.got()) == [b"hosts"]


async def test_who_comes_back_while_it_warms_gets_its_load_assignment(  # W6, family 2
    served: Served, client: Client
) -> None:
    last = served.publish(assignment("a", b"hosts"))

    await client.ask(ENDPOINTS, "a", version=last.version(ENDPOINTS))

    assert bodies(await client.got()) == [b"hosts"]


async def test_a_route_follows_its_cluster_and_a_cluster_outlives_its_route(  # O1 O2, family 3
    served: Served, client: Client
) -> None:
    served.publish(cluster("a"), Resource(ROUTES, "r", b"a"))
    await client.ask(CLUSTERS)
    await client.ack(await client.got())
    await client.ask(ROUTES, "r")
    await client.ack(await client.got(), "r")
    await until(lambda: accepted(served, ROUTES))

    served.publish(cluster("b"), Resource(ROUTES, "r", b"b"))

    both = await client.got()
    assert names(both) == [b"b", b"a"] or names(both) == [b"a", b"b"]
    await client.ack(both)
    route = await client.got()
    assert bodies(route) == [b"b"]
    await client.ack(route, "r")
    assert names(await client.got()) == [b"b"]


async def test_a_name_that_is_asked_for_again_is_answered_again(  # S4, family 4
    served: Served, client: Client
) -> None:
    served.publish(assignment("a", b"of a"), assignment("b", b"of b"))
    await client.ask(ENDPOINTS, "a", "b")
    answer = await client.got()
    await client.ack(answer, "b")

    await client.ack(answer, "a", "b")

    assert bodies(await client.got()) == [b"of a"]


async def test_a_name_that_leads_nowhere_is_sent_when_created(  # S10, family 5
    served: Served, client: Client
) -> None:
    served.publish(assignment("a", b"of a"))
    await client.ask(ENDPOINTS, "a", "later")
    answer = await client.got()
    assert bodies(answer) == [b"of a"]
    await client.ack(answer, "a", "later")

    served.publish(assignment("a", b"of a"), assignment("later", b"here"))

    assert bodies(await client.got()) == [b"here"]


async def test_a_name_in_a_stale_request_is_not_forgotten(  # S3, family 6
    served: Served, client: Client
) -> None:
    served.publish(assignment("a", b"1"), assignment("b", b"of b"))
    await client.ask(ENDPOINTS, "a")
    first = await client.got()
    await client.ack(first, "a")
    await until(lambda: accepted(served, ENDPOINTS))
    served.publish(assignment("a", b"2"), assignment("b", b"of b"))

    # On its way when the second response was sent: it crosses that.
    await client.ack(first, "a", "b")
    second = await client.got()
    assert bodies(second) == [b"2"]
    await client.ack(second, "a", "b")

    assert bodies(await client.got()) == [b"of b"]


async def test_an_ack_of_an_older_response_accepts_nothing(  # S3, family 6
    served: Served, client: Client
) -> None:
    old = served.publish(assignment("a", b"1"))
    await client.ask(ENDPOINTS, "a")
    first = await client.got()
    await client.ack(first, "a")
    await until(lambda: accepted(served, ENDPOINTS))
    served.publish(assignment("a", b"2"), Resource(SECRETS, "s", b""))
    await client.got()

    await client.ack(first, "a")
    await client.ask(SECRETS, "s")
    assert (await client.got()).type_url == SECRETS

    [stream] = served.ads.status().streams
    assert stream.types[ENDPOINTS].version_acked == old.version(ENDPOINTS)


async def test_the_wildcard_ends_with_names_and_does_not_come_back(  # S6, family 7
    served: Served, client: Client
) -> None:
    served.publish(cluster("a"), cluster("b"))
    await client.ask(CLUSTERS)
    everything = await client.got()
    await client.ack(everything, "*", "a")
    again = await client.got()
    assert names(everything) == names(again) == [b"a", b"b"]
    await client.ack(again, "a")
    await silence(served, client)

    served.publish(cluster("a", "new"), cluster("b", "new"))
    only = await client.got()
    assert names(only) == [b"a"]
    await client.ack(only)
    await silence(served, client)

    served.publish(cluster("a", "newer"), cluster("b", "newer"))
    await client.ask(LISTENERS)
    assert (await client.got()).type_url == LISTENERS


async def test_nothing_is_sent_before_there_is_something(served: Served) -> None:  # S1, family 8
    async with connected(served.address) as client, connected_delta(served.address) as delta:
        for url in (CLUSTERS, LISTENERS):
            await client.ask(url)
            await delta.ask(url, has={"kept": "1"})
        await until(lambda: [len(each.types) for each in served.ads.status().streams] == [2, 2])
        states = [state for each in served.ads.status().streams for state in each.types.values()]
        assert {state.nonce for state in states} == {""}

        a = cluster("a")
        served.publish(a)

        assert names(await client.got()) == [b"a"]
        assert versions(await delta.got()) == {"a": a.version}


async def test_requests_that_nobody_reads_answers_to_block_nothing(  # G17a, family 10
    served: Served, client: Client
) -> None:
    many = [assignment(str(number), bytes(1 << 18)) for number in range(20)]
    served.publish(*many)

    async def ask_on_and_on() -> None:
        for number in range(2_000):
            await client.ask(ENDPOINTS, str(number % 20), "last")

    asking = asyncio.create_task(ask_on_and_on())
    for number in range(100):
        served.publish(*many, assignment("last", b"%d" % number))
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.got()
            await client.ack(answer, "last")
            if b"99" in bodies(answer):
                break
        await asking


@pytest.mark.parametrize("has", [True, False])
async def test_replicas_agree_on_versions(has: bool, served: Served) -> None:  # G5, family 12  # noqa: FBT001
    """A client that changes over to another replica is sent what that has otherwise only."""
    other = Served()
    other.address = f"127.0.0.1:{await other.ads.start('127.0.0.1:0')}"
    try:
        served.publish(cluster("a"), cluster("b"), Resource(LISTENERS, "l", b""))
        other.publish(Resource(LISTENERS, "l", b""), cluster("b"), cluster("a"))
        async with connected(served.address) as client:
            await client.ask(CLUSTERS)
            version = (await client.got()).version_info

        async with connected(other.address) as client:
            await client.ask(CLUSTERS, version=version if has else "")
            await client.ask(LISTENERS)
            first = await client.got()

        assert first.type_url == (LISTENERS if has else CLUSTERS)
    finally:
        await other.ads.stop(0)
