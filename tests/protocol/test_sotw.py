"""The state-of-the-world conversation, told as stories; ids are those of the protocol's rules."""

import pytest

from protocol.clients import ENVOY, FLEET, SotwClient, snapshot, sotw_envoy
from xds.protocol.messages import ProtocolError, Request
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, SECRETS, Resource
from xds.snapshot import Snapshot
from xds.status import Node


def test_the_first_request_of_each_type_is_answered_in_envoys_order() -> None:  # S1 O1
    client = SotwClient(SotwSession(FLEET))

    assert client.ask(CLUSTERS) == ["clusters: a b"]
    assert client.ask(ENDPOINTS, "a", "b") == ["endpoints: a b"]
    assert client.say(CLUSTERS) == []
    assert client.say(ENDPOINTS) == []
    assert client.ask(LISTENERS) == ["listeners: l"]
    assert client.ask(ROUTES, "r") == ["routes: r"]


def test_a_set_that_is_known_to_be_empty_is_an_answer() -> None:  # S1 S8
    client = SotwClient(SotwSession(snapshot()))

    assert client.ask(CLUSTERS) == ["clusters:"]
    assert client.ask(ENDPOINTS, "a") == []


def test_nothing_is_served_before_the_first_snapshot() -> None:  # S1, family 8
    client = SotwClient(SotwSession())

    assert client.ask(CLUSTERS) == []
    assert client.ask(ENDPOINTS, "a") == []
    assert client.publish(FLEET) == ["clusters: a b", "endpoints: a"]


def test_an_ack_is_answered_with_silence() -> None:  # S2 G12
    client = SotwClient(SotwSession(FLEET))
    client.ask(CLUSTERS)

    assert client.say(CLUSTERS) == []
    assert client.publish(FLEET) == []


def test_a_nack_gets_silence_until_the_content_changes() -> None:  # G6 G7, family 1
    client = SotwClient(SotwSession(snapshot("a=bad")))
    client.ask(CLUSTERS)

    assert client.say(CLUSTERS, error="no") == []
    assert client.publish(snapshot("a=bad")) == []
    assert client.publish(snapshot("a=good")) == ["clusters: a"]


def test_a_nack_without_words_is_a_nack() -> None:  # G6
    client = SotwClient(SotwSession(snapshot("a=1", "a=bad")))
    client.ask(ENDPOINTS, "a")

    assert client.say(ENDPOINTS, error="") == []
    assert client.say(ENDPOINTS) == []


def test_a_nack_that_names_more_is_answered_with_those() -> None:  # G6a
    client = SotwClient(SotwSession(snapshot("a=1 b=1", "a=bad b=1")))
    client.ask(ENDPOINTS, "a")
    client.names[ENDPOINTS] = frozenset({"a", "b"})

    assert client.say(ENDPOINTS, error="no") == ["endpoints: b"]


def test_a_nack_of_one_type_does_not_hold_up_another() -> None:  # G9
    client = sotw_envoy()
    assert client.publish(snapshot("a=1 b=1", "a=bad b=1", "l=1", "r=1")) == ["endpoints: a"]
    client.say(ENDPOINTS, error="no")

    assert client.publish(snapshot("a=1 b=1", "a=bad b=1", "l=1", "r=2")) == ["routes: r"]


def test_a_stale_request_is_not_answered_but_its_names_count() -> None:  # S3, family 6
    client = SotwClient(SotwSession(snapshot("a=1 b=1", "a=1 b=1")))
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS)
    stale = client.last[ENDPOINTS].nonce
    client.publish(snapshot("a=1 b=1", "a=2 b=1"))

    crossing = Request(type_url=ENDPOINTS, names=frozenset({"a", "b"}), nonce=stale, node=ENVOY)
    assert client.session.receive(crossing) == []
    client.names[ENDPOINTS] = frozenset({"a", "b"})
    assert client.say(ENDPOINTS) == ["endpoints: b"]


def test_new_names_are_answered_with_what_is_new() -> None:  # S4
    client = SotwClient(SotwSession(FLEET))
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS)

    assert client.ask(ENDPOINTS, "a", "b") == ["endpoints: b"]


def test_a_name_given_up_and_asked_for_again_is_answered_again() -> None:  # S4, family 4
    client = SotwClient(SotwSession(FLEET))
    client.ask(ENDPOINTS, "a", "b")
    client.say(ENDPOINTS)

    assert client.ask(ENDPOINTS, "a") == []  # S5
    assert client.ask(ENDPOINTS, "a", "b") == ["endpoints: b"]


def test_named_clusters_are_answered_completely() -> None:  # S8 G18
    client = SotwClient(SotwSession(FLEET))

    assert client.ask(CLUSTERS, "a") == ["clusters: a"]
    assert client.say(CLUSTERS) == []
    assert client.ask(CLUSTERS, "a", "b") == ["clusters: a b"]
    assert client.say(CLUSTERS) == []
    assert client.ask(CLUSTERS, "a") == []  # S5


def test_only_changed_load_assignments_are_sent() -> None:  # S9
    client = sotw_envoy()

    changed = snapshot("a=1 b=1", "a=1 b=2", "l=1", "r=1")
    assert client.publish(changed) == ["endpoints: b"]


def test_what_is_missing_now_is_sent_when_it_appears() -> None:  # S10, family 5
    client = SotwClient(SotwSession(snapshot("a=1", "a=1")))
    assert client.ask(ENDPOINTS, "a", "later") == ["endpoints: a"]
    client.say(ENDPOINTS)

    assert client.publish(snapshot("a=1", "a=1 later=1")) == ["endpoints: later"]


def test_what_went_and_comes_back_unchanged_was_never_lost() -> None:  # S9
    client = SotwClient(SotwSession(snapshot("a=1", "a=1")))
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS)
    assert client.publish(snapshot("a=1")) == []

    assert client.publish(snapshot("a=1", "a=1")) == []


def test_a_second_ack_asks_for_the_load_assignments_again() -> None:  # W1, family 2
    client = sotw_envoy()

    assert client.say(ENDPOINTS) == ["endpoints: a b"]


def test_routes_are_sent_again_to_who_asks_again_for_a_changed_listener() -> None:  # W7
    client = sotw_envoy()
    assert client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=2", "r=1")) == ["listeners: l"]

    assert client.say(ROUTES) == ["routes: r"]
    assert client.say(ROUTES) == []


def test_a_second_ack_after_a_nack_does_not_bring_the_refused_back() -> None:  # G7 W1
    client = SotwClient(SotwSession(snapshot("a=1", "a=bad")))
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS, error="no")

    assert client.say(ENDPOINTS) == []


def test_a_changed_cluster_brings_its_load_assignment_along() -> None:  # W4 W3, family 2
    client = sotw_envoy()

    changed = snapshot("a=2 b=1", "a=1 b=1", "l=1", "r=1")
    assert client.publish(changed) == ["clusters: a b", "endpoints: a"]


def test_a_load_assignment_that_came_before_its_cluster_comes_again_after_it() -> None:
    # W4, family 2: the client warms only after the second response for its clusters.
    client = sotw_envoy()
    client.publish(snapshot("a=1 b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(ENDPOINTS)
    second = snapshot("a=2 b=2", "a=1 b=1", "l=1", "r=1")
    assert client.publish(second) == ["endpoints: a"]
    client.say(ENDPOINTS)

    assert client.say(CLUSTERS) == ["clusters: a b", "endpoints: a"]
    assert client.say(ENDPOINTS) == []


def test_a_load_assignment_given_up_meanwhile_does_not_come_again() -> None:  # W4 S5
    client = sotw_envoy()
    client.publish(snapshot("a=1 b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(ENDPOINTS)
    client.publish(snapshot("a=2 b=2", "a=1 b=1", "l=1", "r=1"))
    # The last answer for clusters reaches the server while one for endpoints is on its way.
    assert client.say(CLUSTERS) == ["clusters: a b"]

    assert client.ask(ENDPOINTS, "b") == []


def test_load_assignments_never_wait_for_an_answer_to_their_clusters() -> None:  # W2
    client = sotw_envoy()
    client.publish(snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=1", "r=1"))

    assert client.ask(ENDPOINTS, "a", "b", "c") == ["endpoints: c"]


def test_a_route_waits_until_the_client_has_its_cluster() -> None:  # O1, family 3
    client = sotw_envoy()
    both = snapshot("a=1 b=1 c=1", "a=1 b=1 c=1", "l=1", "r=2")

    assert client.publish(both) == ["clusters: a b c"]
    assert client.ask(ENDPOINTS, "a", "b", "c") == ["endpoints: c"]
    assert client.say(ENDPOINTS) == []
    assert client.say(CLUSTERS) == ["routes: r"]


def test_a_route_does_not_wait_for_ever_for_a_refused_cluster() -> None:  # G9 O1
    client = sotw_envoy()
    client.publish(snapshot("a=1 b=bad", "a=1 b=1", "l=1", "r=2"))

    assert client.say(CLUSTERS, error="no") == ["routes: r"]


def test_a_cluster_stays_until_the_client_has_routes_without_it() -> None:  # O2, family 3
    client = sotw_envoy()

    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=2")) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: a"]
    assert client.say(CLUSTERS) == []


def test_a_cluster_stays_while_the_routes_without_it_are_refused() -> None:  # O2 G8
    client = sotw_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))

    assert client.say(ROUTES, error="no") == []
    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=3")) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: a"]


def test_one_cluster_comes_and_one_goes_in_two_steps() -> None:  # O1 O2
    client = sotw_envoy()
    first = client.last[CLUSTERS].version
    moved = snapshot("a=1 c=1", "a=1 c=1", "l=1", "r=2")

    assert client.publish(moved) == ["clusters: a b c"]
    # A client that reconnects now has too much, and must not be taken for up to date.
    assert client.last[CLUSTERS].version not in {first, moved.version(CLUSTERS)}
    assert client.ask(ENDPOINTS, "a", "c") == ["endpoints: c"]
    assert client.say(CLUSTERS) == ["routes: r"]
    assert client.say(ROUTES) == ["clusters: a c"]
    assert client.last[CLUSTERS].version == moved.version(CLUSTERS)


def test_a_cluster_that_no_route_named_goes_at_once() -> None:  # O2
    client = sotw_envoy()

    assert client.publish(snapshot("a=1", "a=1", "l=1", "r=1")) == ["clusters: a"]


def test_one_response_is_in_flight_and_the_newest_state_follows() -> None:  # G17a, family 11
    client = sotw_envoy()
    for weight in range(2, 100):
        sent = client.publish(snapshot("a=1 b=1", f"a={weight} b=1", "l=1", "r=1"))
        assert sent == (["endpoints: a"] if weight == 2 else [])

    assert client.say(ENDPOINTS) == ["endpoints: a"]
    assert client.body(ENDPOINTS, "a") == b"99"
    assert client.say(ENDPOINTS) == []


def test_nonces_are_never_repeated_on_a_stream() -> None:  # G4
    client = SotwClient(SotwSession(FLEET))
    nonces = []
    for weight in range(5):
        client.publish(snapshot(f"a={weight}", "a=1"))
        client.ask(CLUSTERS)
        nonces.append(client.last[CLUSTERS].nonce)
        client.say(CLUSTERS)

    assert all(nonces)
    assert len(set(nonces)) == len(nonces)


def test_a_client_that_comes_back_up_to_date_is_sent_no_clusters_again() -> None:  # G5, family 12
    client = SotwClient(SotwSession(FLEET))

    assert client.ask(CLUSTERS, version=FLEET.version(CLUSTERS)) == []
    status = client.session.status()[CLUSTERS]
    assert status.version_sent == status.version_acked == FLEET.version(CLUSTERS)
    assert client.publish(snapshot("a=1", "a=1")) == ["clusters: a"]


def test_a_client_that_comes_back_is_always_sent_its_load_assignments() -> None:  # W6, family 2
    client = SotwClient(SotwSession(FLEET))

    assert client.ask(ENDPOINTS, "a", version=FLEET.version(ENDPOINTS)) == ["endpoints: a"]


def test_a_client_that_refused_and_comes_back_is_answered_though_all_is_as_it_was() -> None:
    # G5 G8: it may have a part of what it refused, and its version does not tell.
    refusing = sotw_envoy()
    refusing.publish(snapshot("a=2 b=bad", "a=1 b=1", "l=1", "r=1"))
    refusing.say(CLUSTERS, error="b is bad")
    assert CLUSTERS in refusing.session.doubts
    doubts = refusing.session.doubts

    def come_back() -> SotwClient:
        return SotwClient(SotwSession(FLEET, doubts={"envoy": doubts}.__getitem__))

    version = FLEET.version(CLUSTERS)
    client = come_back()
    assert client.ask(LISTENERS, version=FLEET.version(LISTENERS)) == []
    assert client.session.doubts == doubts
    assert client.ask(CLUSTERS, version=version) == ["clusters: a b"]
    assert CLUSTERS in client.session.doubts
    client.say(CLUSTERS)
    assert CLUSTERS not in client.session.doubts


def test_who_never_said_who_it_is_leaves_no_doubts() -> None:  # family 9
    assert SotwSession(FLEET).doubts == frozenset()


def test_a_client_that_comes_back_before_the_first_snapshot_waits_for_it() -> None:  # S1 G5
    client = SotwClient(SotwSession())
    client.ask(CLUSTERS, version=FLEET.version(CLUSTERS))

    assert client.publish(FLEET) == []
    assert client.publish(snapshot("a=2", "a=1")) == ["clusters: a"]


def test_a_nonce_of_an_earlier_stream_means_nothing() -> None:  # G4
    session = SotwSession(FLEET)

    request = Request(type_url=ENDPOINTS, names=frozenset({"a"}), nonce="7", node=ENVOY)
    assert [response.resources.resources.keys() for response in session.receive(request)] == [{"a"}]


def test_a_type_that_nobody_publishes_is_remembered_without_an_answer() -> None:  # G10
    session = SotwSession(FLEET)

    assert session.receive(Request(type_url=SECRETS, names=frozenset({"cert"}), node=ENVOY)) == []
    published = Snapshot.build([Resource(SECRETS, "cert", b"pem")])
    assert [response.type_url for response in session.publish(published)] == [SECRETS]


def test_types_that_were_not_asked_for_are_not_sent() -> None:  # G11
    client = SotwClient(SotwSession(FLEET))
    client.ask(CLUSTERS)
    client.say(CLUSTERS)

    assert client.publish(snapshot("a=1 b=1", "a=2 b=2", "l=2", "r=2")) == []


def test_the_node_is_only_expected_once() -> None:  # G1
    session = SotwSession(FLEET)
    session.receive(Request(type_url=CLUSTERS, node=ENVOY))
    session.receive(Request(type_url=LISTENERS))

    assert session.node == ENVOY


def test_a_stream_that_begins_without_a_node_is_refused() -> None:  # G1
    with pytest.raises(ProtocolError, match="node"):
        SotwSession(FLEET).receive(Request(type_url=CLUSTERS))
    with pytest.raises(ProtocolError, match="node"):
        SotwSession(FLEET).receive(Request(type_url=CLUSTERS, node=Node("")))


def test_a_request_without_a_type_is_refused() -> None:  # G2
    with pytest.raises(ProtocolError, match="type_url"):
        SotwSession(FLEET).receive(Request(type_url="", node=ENVOY))


def test_a_client_that_never_answers_for_its_clusters_gets_its_routes_at_last() -> None:  # O1 G9
    client = sotw_envoy()
    assert client.publish(snapshot("a=1 b=1 c=1", "a=1 b=1", "l=1", "r=2")) == ["clusters: a b c"]
    assert client.session.is_holding

    assert client.release() == ["routes: r"]
    assert not client.session.is_holding
    assert client.session.release() == []


def test_a_client_that_never_accepts_its_routes_loses_its_clusters_at_last() -> None:  # O2
    client = sotw_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")
    assert client.session.is_holding

    assert client.release() == ["clusters: a"]
    assert not client.session.is_holding


def test_a_session_with_nothing_to_wait_for_holds_nothing() -> None:
    client = sotw_envoy()
    assert not client.session.is_holding
    client.publish(snapshot("a=1 b=1", "a=2 b=1", "l=1", "r=1"))
    assert not client.session.is_holding
    client.publish(snapshot("a=1 b=1", "a=2 b=1", "l=1", "r=2"))
    assert not client.session.is_holding


def test_a_load_assignment_that_went_is_never_waited_for() -> None:  # S9
    client = sotw_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=1"))

    assert not client.session.is_holding


def test_a_wish_is_heard_though_its_nonce_is_none_when_nothing_is_in_flight() -> None:  # S3
    client = SotwClient(SotwSession(snapshot("a=1 b=1", "a=1 b=1")))
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS)

    lost = Request(type_url=ENDPOINTS, names=frozenset({"a", "b"}), node=ENVOY)
    assert client.got(client.session.receive(lost)) == ["endpoints: b"]


def test_a_nack_of_several_brings_the_good_ones_back_when_the_bad_one_goes() -> None:  # G8
    client = sotw_envoy()
    client.publish(snapshot("a=1 b=1", "a=bad b=2", "l=1", "r=1"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.publish(snapshot("a=1 b=1", "b=2", "l=1", "r=1")) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []


def test_what_is_refused_after_it_went_and_came_back_is_not_sent_again() -> None:  # G7
    client = sotw_envoy()
    bad = snapshot("a=1 b=1", "a=bad b=1", "l=1", "r=1")
    client.publish(bad)
    client.publish(snapshot("a=1 b=1", "b=1", "l=1", "r=1"))
    client.publish(bad)

    assert client.say(ENDPOINTS, error="a is bad") == []


def test_patience_that_was_lost_once_is_there_again_at_the_next_publish() -> None:  # O2
    client = sotw_envoy()
    client.publish(snapshot("a=1", "a=1", "l=1", "r=2"))
    assert client.release() == ["clusters: a"]
    client.say(ROUTES)
    client.say(CLUSTERS)

    assert client.publish(snapshot("", "", "l=1", "r=3")) == ["routes: r"]
    assert client.session.is_holding


def test_a_client_that_comes_back_behind_is_answered() -> None:  # G5
    client = SotwClient(SotwSession(FLEET))

    assert client.ask(CLUSTERS, version="of long ago") == ["clusters: a b"]


def test_a_client_that_comes_back_with_names_is_answered() -> None:  # G5 G18
    client = SotwClient(SotwSession(FLEET))

    # The version tells what there was, not which of it this client had.
    assert client.ask(CLUSTERS, "a", version=FLEET.version(CLUSTERS)) == ["clusters: a"]


def test_types_come_in_order_whatever_order_they_were_asked_for_in() -> None:  # O1
    client = SotwClient(SotwSession(FLEET))
    client.ask(ROUTES, "r")
    client.ask(LISTENERS)
    client.ask(ENDPOINTS, "a")
    for type_url in (ROUTES, LISTENERS, ENDPOINTS):
        client.say(type_url)

    changed = snapshot("a=2 b=1", "a=2 b=1", "l=2", "r=2")
    assert client.publish(changed) == ["endpoints: a", "listeners: l", "routes: r"]
