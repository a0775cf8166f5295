"""In which order an incremental client gets and loses things, so that no request is lost."""

from protocol.clients import FLEET, DeltaClient, delta_envoy, resource, snapshot, versions
from xds.protocol.delta import DeltaSession
from xds.resources import (
    CLUSTERS,
    ENDPOINTS,
    EXTENSION_CONFIGS,
    LISTENERS,
    ROUTES,
    SCOPED_ROUTES,
    SECRETS,
    Resource,
)
from xds.snapshot import Snapshot

# Without cluster b, and with routes that do not name it.
SMALLER = snapshot("a=1", "a=1", "l=1", "r=2")


def test_a_changed_cluster_brings_its_load_assignment_along() -> None:  # W3 W4, family 2
    client = delta_envoy()

    changed = snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=1")
    assert client.publish(changed) == ["clusters: a", "endpoints: a"]


def test_load_assignments_never_wait_for_an_answer_to_their_clusters() -> None:  # W2 W5
    client = delta_envoy()
    client.publish(snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=1", "r=1"))

    assert client.ask(ENDPOINTS, "c", "d") == ["endpoints: c ?d"]


def test_a_load_assignment_that_came_before_its_cluster_comes_again_after_it() -> None:
    # W3 W4, family 2: the client warms only after the second response for its clusters.
    client = delta_envoy()
    first = snapshot("a=1 b=2", "a=1 b=1", "l=1", "r=1")
    assert client.publish(first) == ["clusters: b", "endpoints: b"]
    client.say(ENDPOINTS)
    second = snapshot("a=2 b=2", "a=1 b=1", "l=1", "r=1")
    assert client.publish(second) == ["endpoints: a"]
    client.say(ENDPOINTS)

    assert client.say(CLUSTERS) == ["clusters: a", "endpoints: a"]
    assert client.say(ENDPOINTS) == []
    assert client.say(CLUSTERS) == []


def test_a_cluster_that_changed_without_a_load_assignment_is_told_that_there_is_none() -> None:
    # W3 W5, family 2: it warms again, and the client asks no more.
    client = delta_envoy()
    client.publish(snapshot("a=1 b=1", "a=1", "l=1", "r=1"))
    client.say(ENDPOINTS)
    changed = snapshot("a=1 b=2", "a=1", "l=1", "r=1")

    assert client.publish(changed) == ["clusters: b", "endpoints: ?b"]
    assert client.say(ENDPOINTS) == []
    assert client.say(CLUSTERS) == []


def test_a_load_assignment_comes_again_for_a_cluster_that_changed_back() -> None:
    # W3 W4, family 2: what is due now was sent already, but before the cluster that warms.
    client = delta_envoy()
    client.publish(snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=1"))
    client.publish(snapshot("a=3 b=1", "a=1 b=1", "l=1", "r=1"))
    assert client.say(CLUSTERS) == ["clusters: a"]
    client.publish(snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=1"))

    assert client.say(ENDPOINTS) == ["endpoints: a"]
    client.say(ENDPOINTS)
    assert client.say(CLUSTERS) == ["clusters: a", "endpoints: a"]


def test_a_load_assignment_given_up_meanwhile_does_not_come_again() -> None:  # W4 D6
    client = delta_envoy()
    client.publish(snapshot("a=1 b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(ENDPOINTS)
    client.publish(snapshot("a=2 b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(ENDPOINTS, drop=("a",))

    assert client.say(CLUSTERS) == ["clusters: a"]


def test_load_assignments_that_change_alone_come_once() -> None:  # W4 G12
    client = delta_envoy()
    client.publish(snapshot("a=1 b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(ENDPOINTS)
    assert client.publish(snapshot("a=1 b=2", "a=2 b=1", "l=1", "r=1")) == ["endpoints: a"]
    client.say(ENDPOINTS)
    client.say(CLUSTERS)

    assert client.publish(snapshot("a=1 b=3", "a=2 b=1", "l=1", "r=1")) == [
        "clusters: b",
        "endpoints: b",
    ]


def test_a_route_waits_until_the_client_has_its_cluster() -> None:  # O1, family 3
    client = delta_envoy()
    both = snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=2", "r=2")

    assert client.publish(both) == ["clusters: c"]
    assert client.ask(ENDPOINTS, "c") == ["endpoints: c"]
    assert client.say(ENDPOINTS) == []
    assert client.say(CLUSTERS) == ["listeners: l", "routes: r"]


def test_a_route_does_not_wait_for_ever_for_a_refused_cluster() -> None:  # G9 O1
    client = delta_envoy()
    client.publish(snapshot("a=1 b=bad", "a=1 b=1", "l=1", "r=2"))

    assert client.say(CLUSTERS, error="no") == ["routes: r"]


def test_a_cluster_stays_until_the_client_has_routes_without_it() -> None:  # O2 D10, family 3
    client = delta_envoy()

    assert client.publish(SMALLER) == ["routes: r"]
    assert client.session.is_holding
    assert client.say(ROUTES) == ["clusters: -b"]
    # Its load assignment goes last of all.
    assert client.say(CLUSTERS) == ["endpoints: -b"]
    assert client.say(ENDPOINTS) == []
    assert not client.session.is_holding


def test_a_cluster_that_is_asked_for_while_it_stays_is_not_told_to_be_gone() -> None:  # O2 D4
    client = delta_envoy()
    client.publish(SMALLER)

    # In use until the routes are accepted; what is true then is the answer.
    assert client.ask(CLUSTERS, "b") == []
    assert client.say(ROUTES) == ["clusters: -b"]
    assert client.say(CLUSTERS) == ["endpoints: -b"]


def test_a_cluster_that_is_asked_for_while_it_stays_is_sent_when_it_is_back() -> None:  # O2 D4
    client = delta_envoy()
    client.publish(SMALLER)
    client.ask(CLUSTERS, "b")

    back = snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=2")
    assert client.publish(back) == ["clusters: b"]


def test_a_cluster_asked_for_before_it_went_stays_as_long_as_others() -> None:  # O2 D4
    client = delta_envoy()
    client.publish(snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=1"))
    client.ask(CLUSTERS, "b")
    client.publish(snapshot("a=2", "a=1", "l=1", "r=2"))

    assert client.say(CLUSTERS) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: -b"]


def test_a_cluster_stays_while_the_routes_without_it_are_refused() -> None:  # O2 G8
    client = delta_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))

    assert client.say(ROUTES, error="no") == []
    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=3")) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: -b"]


def test_a_cluster_stays_while_one_of_several_routes_is_refused() -> None:  # O2 G8
    client = delta_envoy(snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=1 q=1"))
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad q=1"))
    client.say(ROUTES, error="no")

    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=bad q=2")) == ["routes: q"]
    # The client has accepted q, and still uses the old r.
    assert client.say(ROUTES) == []
    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=2 q=2")) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: -b"]


def test_a_route_stays_until_the_client_has_listeners_without_it() -> None:  # O2
    client = delta_envoy()

    assert client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=2")) == ["listeners: l"]
    assert client.say(LISTENERS) == ["routes: -r"]


def test_everything_goes_in_reverse_order() -> None:  # O2
    client = delta_envoy()

    assert client.publish(snapshot()) == ["listeners: -l"]
    assert client.say(LISTENERS) == ["routes: -r"]
    assert client.say(ROUTES) == ["clusters: -a -b"]
    assert client.say(CLUSTERS) == ["endpoints: -a -b"]


def test_one_cluster_comes_and_one_goes_in_two_steps() -> None:  # O1 O2
    client = delta_envoy()

    assert client.publish(snapshot("a=1 c=1", "a=1 c=1", "l=1", "r=2")) == ["clusters: c"]
    assert client.ask(ENDPOINTS, "c") == ["endpoints: c"]
    client.say(ENDPOINTS)
    assert client.say(CLUSTERS) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: -b"]


def test_a_client_that_never_answers_for_its_clusters_gets_its_routes_at_last() -> None:  # O1 G9
    client = delta_envoy()
    client.publish(snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=2"))
    assert client.session.is_holding

    assert client.release() == ["routes: r"]
    assert not client.session.is_holding
    assert client.release() == []


def test_a_client_that_never_accepts_its_routes_loses_its_clusters_at_last() -> None:  # O2
    client = delta_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")

    assert client.release() == ["clusters: -b", "endpoints: -b"]
    assert not client.session.is_holding


def comes_back(published: Snapshot) -> DeltaClient:
    return DeltaClient(DeltaSession(published))


def test_a_client_that_comes_back_keeps_a_cluster_until_its_routes_are_new() -> None:  # O2 D8
    client = comes_back(SMALLER)

    assert client.ask(CLUSTERS, has=versions(FLEET, CLUSTERS)) == []
    assert client.session.is_holding
    assert client.ask(ENDPOINTS, "a", "b", has=versions(FLEET, ENDPOINTS)) == ["endpoints: a ?b"]
    assert client.ask(LISTENERS, has=versions(FLEET, LISTENERS)) == []
    assert client.ask(ROUTES, "r", has=versions(FLEET, ROUTES)) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: -b"]


def test_a_client_that_comes_back_with_new_routes_loses_the_cluster_then() -> None:  # O2 D8
    client = comes_back(SMALLER)
    client.ask(CLUSTERS, has=versions(FLEET, CLUSTERS))
    client.ask(LISTENERS, has=versions(FLEET, LISTENERS))

    assert client.ask(ROUTES, "r", has=versions(SMALLER, ROUTES)) == ["clusters: -b"]


def test_a_cluster_that_a_client_brought_along_is_never_sent_from_memory() -> None:  # O2 D4 D8
    client = comes_back(SMALLER)
    client.ask(CLUSTERS, has=versions(FLEET, CLUSTERS))

    # Of what a client brings along only the versions are known.
    assert client.ask(CLUSTERS, "b") == []
    assert client.release() == ["clusters: -b"]


def test_a_client_that_comes_back_and_asks_for_less_loses_its_clusters_at_last() -> None:  # O2
    client = comes_back(SMALLER)
    client.ask(CLUSTERS, has=versions(FLEET, CLUSTERS))

    assert client.release() == ["clusters: -b"]
    client.say(CLUSTERS)
    # It does not use what it did not ask for by now.
    assert client.publish(snapshot("", "", "l=1", "r=3")) == ["clusters: -a"]


def test_a_new_client_that_has_not_asked_for_routes_keeps_no_cluster() -> None:  # O2
    client = comes_back(FLEET)
    client.ask(CLUSTERS)
    client.say(CLUSTERS)

    assert client.publish(SMALLER) == ["clusters: -b"]


def test_scoped_routes_wait_for_clusters_too_as_they_may_hold_routes() -> None:  # O1
    client = delta_envoy()
    client.ask(SCOPED_ROUTES)
    client.say(SCOPED_ROUTES)
    more = [resource(CLUSTERS, name, "1") for name in "abc"]
    published = Snapshot.build([*more, Resource(SCOPED_ROUTES, "s", b"to c")])

    assert "scoped routes" not in " ".join(client.publish(published))
    assert "scoped routes: s" in client.say(CLUSTERS)


def test_what_listeners_used_goes_after_them() -> None:  # O2
    client = delta_envoy()
    uses = [Resource(url, "x", b"1") for url in (SCOPED_ROUTES, EXTENSION_CONFIGS, SECRETS)]
    client.publish(Snapshot.build([Resource(LISTENERS, "l", b"2"), *uses]))
    for type_url in (SCOPED_ROUTES, EXTENSION_CONFIGS, SECRETS):
        client.ask(type_url, "*")
        client.say(type_url)
    for type_url in (LISTENERS, ROUTES, CLUSTERS, ENDPOINTS):
        client.say(type_url)

    assert client.publish(snapshot("", "", "l=3")) == ["listeners: l"]
    assert client.say(LISTENERS) == ["extensions: -x", "scoped routes: -x"]
    assert client.say(EXTENSION_CONFIGS) == ["secrets: -x"]
