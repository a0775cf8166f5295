"""How a state-of-the-world client's wish changes, and what it has when it comes back."""

from protocol.clients import FLEET, SotwClient, snapshot
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

SMALLER = snapshot("a=1", "a=1", "l=1", "r=2")


def comes(published: Snapshot = FLEET) -> SotwClient:
    return SotwClient(SotwSession(published))


def comes_back(*published: Snapshot) -> SotwClient:
    store = SnapshotStore()
    for each in published:
        store.publish(each)
    return SotwClient(SotwSession(store.current, known=store.known))


def test_a_wish_shrinks_from_everything_to_nothing() -> None:  # S6, family 7
    client = comes()
    assert client.ask(CLUSTERS) == ["clusters: a b"]
    client.say(CLUSTERS)
    assert client.ask(CLUSTERS, "*", "a") == ["clusters: a b"]
    client.say(CLUSTERS)
    assert client.ask(CLUSTERS, "a") == []
    assert client.publish(snapshot("a=1 b=2")) == []
    assert client.publish(snapshot("a=2 b=2")) == ["clusters: a"]
    client.say(CLUSTERS)
    assert client.ask(CLUSTERS) == []
    assert client.publish(snapshot("a=3 b=3")) == []


def test_a_wish_for_everything_is_answered_though_the_client_has_it() -> None:  # S4, family 7
    client = comes()
    client.ask(CLUSTERS, "a", "b")
    client.say(CLUSTERS)

    assert client.ask(CLUSTERS, "*") == ["clusters: a b"]
    assert client.say(CLUSTERS) == []


def test_names_that_lead_nowhere_are_answered_by_absence() -> None:  # S8 S10, family 5
    client = comes()

    assert client.ask(LISTENERS, "missing") == ["listeners:"]
    assert client.say(LISTENERS) == []
    assert client.ask(CLUSTERS, "a") == ["clusters: a"]
    client.say(CLUSTERS)
    assert client.ask(CLUSTERS, "a", "missing") == ["clusters: a"]
    client.say(CLUSTERS)
    assert client.publish(snapshot("a=1 missing=1")) == ["clusters: a missing"]


def test_a_name_given_up_beside_everything_changes_nothing() -> None:  # S5 S6
    client = comes()
    client.ask(CLUSTERS, "*", "a")
    client.say(CLUSTERS)

    assert client.ask(CLUSTERS, "*") == []


def test_a_second_ack_for_clusters_asks_for_nothing() -> None:  # S2 G12
    client = comes()
    client.ask(CLUSTERS)
    client.say(CLUSTERS)

    assert client.say(CLUSTERS) == []


def test_a_client_that_came_back_is_sent_each_further_load_assignment() -> None:  # S4 W6
    client = comes_back(FLEET)
    version = FLEET.version(ENDPOINTS)
    assert client.ask(ENDPOINTS, "a", version=version) == ["endpoints: a"]
    client.say(ENDPOINTS)

    assert client.ask(ENDPOINTS, "a", "b", version=version) == ["endpoints: b"]


def test_a_star_is_everything_of_any_type() -> None:  # S6
    client = comes()

    assert client.ask(ENDPOINTS, "*") == ["endpoints: a b"]


def test_nothing_but_what_was_asked_for_is_sent() -> None:  # S11 S7
    client = comes()

    assert client.ask(ENDPOINTS, "b") == ["endpoints: b"]
    assert client.ask(ROUTES) == []


def test_a_client_that_comes_back_keeps_a_cluster_until_its_routes_are_new() -> None:  # O2 G5
    client = comes_back(FLEET, SMALLER)

    assert client.ask(CLUSTERS, version=FLEET.version(CLUSTERS)) == []
    assert client.session.is_holding
    assert client.ask(ENDPOINTS, "a", "b", version="1") == ["endpoints: a"]
    assert client.ask(LISTENERS, version=FLEET.version(LISTENERS)) == []
    assert client.ask(ROUTES, "r", version=FLEET.version(ROUTES)) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: a"]


def test_a_client_that_comes_back_with_names_keeps_what_those_were() -> None:  # O2 G18
    client = comes_back(FLEET, SMALLER)

    # gRPC's own client asks for listeners and routes first.
    assert client.ask(LISTENERS, "l", version=of(LISTENERS, "l")) == ["listeners: l"]
    client.say(LISTENERS)
    assert client.ask(ROUTES, "r", version=FLEET.version(ROUTES)) == ["routes: r"]
    assert client.ask(CLUSTERS, "a", "b", version=of(CLUSTERS, "a", "b")) == ["clusters: a b"]
    assert client.say(CLUSTERS) == []
    assert client.say(ROUTES) == ["clusters: a"]


def test_a_client_that_comes_back_with_an_unknown_version_is_told_everything() -> None:  # G5
    client = comes_back(FLEET, SMALLER)

    assert client.ask(CLUSTERS, version="of long ago") == ["clusters: a"]


def of(type_url: str, *names: str) -> str:
    """Return the version under which a client has what some names select."""
    return FLEET.named(type_url, frozenset(names)).version


def test_a_client_that_had_names_and_comes_back_for_everything_is_answered() -> None:  # G5 S6
    client = comes_back(FLEET)

    assert client.ask(CLUSTERS, version=of(CLUSTERS, "a")) == ["clusters: a b"]
