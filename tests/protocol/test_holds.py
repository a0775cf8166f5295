"""What is held back, each thing for as long as it may be, whatever else is held back beside it."""

import pytest

from protocol.clients import (
    FLEET,
    DeltaClient,
    SotwClient,
    delta_envoy,
    listener,
    resource,
    snapshot,
    sotw_envoy,
)
from xds.protocol.messages import ProtocolError
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, ENDPOINTS, EXTENSION_CONFIGS, LISTENERS, ROUTES, Resource
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

Client = SotwClient | DeltaClient


@pytest.fixture(params=[sotw_envoy, delta_envoy])
def client(request: pytest.FixtureRequest) -> Client:
    made: Client = request.param()
    return made


def test_a_hold_that_ends_does_not_end_a_younger_one() -> None:  # O1 O2
    client = sotw_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")
    [refused] = client.session.holds
    assert client.publish(snapshot("a=1 c=1", "a=1 c=1", "l=1", "r=2")) != []
    assert len(client.session.holds) == 2

    # The routes still wait for the answer to the clusters.
    assert client.got(client.session.release(refused)) == []
    assert len(client.session.holds) == 1
    assert client.say(CLUSTERS) == ["clusters: a c"]
    assert client.say(CLUSTERS) == ["routes: r"]


def test_a_hold_is_the_same_one_while_other_things_change(client: Client) -> None:  # O2
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")
    began = client.session.holds
    for content in "234":
        client.publish(snapshot(f"a={content}", "a=1", "l=1", "r=bad"))
        assert began <= client.session.holds
        client.say(ENDPOINTS)
        client.say(CLUSTERS)
        assert client.session.holds == began

    last = client.got(client.session.release(max(began)))
    assert last[0] in {"clusters: a", "clusters: -b"}


def test_what_goes_later_is_kept_for_longer(client: Client) -> None:  # O2
    client.publish(snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=1", "r=1"))
    client.say(CLUSTERS)
    client.publish(snapshot("a=1 c=1", "a=1 b=1 c=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")
    [first] = client.session.holds
    # The routes without c are on their way when b has been kept for long enough.
    assert "routes: r" in client.publish(snapshot("a=1", "a=1 b=1 c=1", "l=1", "r=2"))
    [second] = client.session.holds - {first}

    assert client.got(client.session.release(first)) == [gone(client, "b", "a c")]
    client.say(CLUSTERS)
    assert client.session.holds == {second}
    assert client.say(ROUTES) == [gone(client, "c", "a")]


def test_what_came_back_and_goes_again_is_kept_anew(client: Client) -> None:  # O2
    client.publish(snapshot("a=1", "a=1 b=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")
    [first] = client.session.holds
    client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=bad"))
    assert client.session.holds == frozenset()
    client.publish(snapshot("a=1", "a=1 b=1", "l=1", "r=bad"))

    assert client.got(client.session.release(first)) == []
    assert client.release() == [gone(client, "b", "a")]


def gone(client: Client, name: str, rest: str) -> str:
    """Return how a client is told that a cluster is gone."""
    return f"clusters: {rest}" if isinstance(client, SotwClient) else f"clusters: -{name}"


def test_routes_wait_once_however_often_the_clusters_change(client: Client) -> None:  # O1
    client.publish(snapshot("a=x b=1", "a=1 b=1", "l=1", "r=2"))
    [began] = client.session.holds
    for content in range(5):
        client.publish(snapshot(f"a={content} b=1", "a=1 b=1", "l=1", "r=2"))
        client.say(ENDPOINTS)
        client.say(CLUSTERS)
        assert client.session.holds == {began}

    assert client.got(client.session.release(began)) == ["routes: r"]


def test_clusters_stay_until_the_routes_that_a_listener_names_are_there(  # O2 G18
    client: Client,
) -> None:
    before = [*of(FLEET), listener("l", "r")]
    after = [
        *of(snapshot("a=1", "a=1", "", "r=2 q=1")),
        listener("l", "q"),
    ]
    client.publish(Snapshot.build(before))
    client.say(LISTENERS)

    # gRPC's clients accept the listener before they ask for what it names.
    told = client.publish(Snapshot.build(after))
    assert "listeners: l" in told
    client.say(LISTENERS)
    client.say(ROUTES)
    assert client.session.holds
    client.ask(ROUTES, "q")
    assert client.session.holds
    assert gone(client, "b", "a") in client.say(ROUTES)


def test_a_listener_that_can_not_be_read_names_nothing(client: Client) -> None:  # O2
    told = client.publish(snapshot("a=1", "a=1", "l=\xff", "r=1"))

    assert "listeners: l" in told
    assert gone(client, "b", "a") in client.say(LISTENERS)


def of(published: Snapshot) -> list[Resource]:
    return [
        each
        for type_url, named in published.resources.items()
        for each in named.values()
        if type_url != LISTENERS
    ]


def test_what_clusters_warm_for_does_not_wait_for_them(client: Client) -> None:  # W2
    published = snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=1", "r=2")
    filters = [resource(EXTENSION_CONFIGS, "filter", "1")]
    client.publish(
        Snapshot.build(
            [*(r for named in published.resources.values() for r in named.values()), *filters]
        )
    )

    # A filter of the new cluster itself may come from there.
    assert client.ask(EXTENSION_CONFIGS, "filter") == ["extensions: filter"]


def test_a_client_that_came_back_is_recalled_once() -> None:  # S4 G5
    store = SnapshotStore()
    first, second = snapshot("a=1 b=1", "a=1 b=1"), snapshot("a=1", "a=1")
    store.publish(first)
    client = SotwClient(SotwSession(first, known=store.known))
    assert client.ask(CLUSTERS, version=first.version(CLUSTERS)) == []
    store.publish(second)
    assert client.publish(second) == ["clusters: a"]
    # While that is on its way, the client asks for one more, and the edit is taken back.
    client.names[CLUSTERS] = frozenset({"*", "x"})
    crossing = client.nonce(CLUSTERS)
    assert crossing
    client.ask(CLUSTERS, "*", "x")
    assert client.publish(first) in ([], ["clusters: a b"])
    client.say(CLUSTERS)

    assert client.session.status()[CLUSTERS].version_sent == first.version(CLUSTERS)


def test_a_client_that_comes_back_between_two_snapshots_keeps_what_it_uses() -> None:  # O2 G5
    store = SnapshotStore()
    first = snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=1")
    second = snapshot("a=1 c=1", "a=1 c=1", "l=1", "r=2")
    store.publish(first)
    before = sotw_envoy(first)
    store.publish(second)
    assert before.publish(second) == ["clusters: a b c"]
    between = before.session.status()[CLUSTERS].version_sent

    client = SotwClient(SotwSession(second, known=store.known))
    assert client.ask(CLUSTERS, version=between) == []
    client.ask(ENDPOINTS, "a", "b", "c", version="1")
    client.say(ENDPOINTS)
    client.ask(LISTENERS, version=first.version(LISTENERS))
    assert client.ask(ROUTES, "r", version=first.version(ROUTES)) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: a c"]


def test_a_stream_may_not_ask_for_any_number_of_types() -> None:  # family 9
    client = sotw_envoy()
    for number in range(46):
        assert client.ask(f"example.org/Type{number}", "a") == []

    with pytest.raises(ProtocolError, match="50 types"):
        client.ask("example.org/OneMore", "a")


def test_what_a_client_asked_for_in_vain_is_not_told_as_accepted() -> None:  # family 15
    client = SotwClient(SotwSession(snapshot("a=1", "a=1", "l=1", "r=1")))
    assert client.ask(ROUTES, "later") == []

    assert client.session.status()[ROUTES].version_acked == ""
