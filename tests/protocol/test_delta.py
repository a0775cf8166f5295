"""The incremental conversation, told as stories; ids are those of the protocol's rules."""

import pytest

from protocol.clients import ENVOY, FLEET, DeltaClient, delta_envoy, snapshot, versions
from xds.protocol.delta import DeltaSession
from xds.protocol.messages import DeltaRequest, ProtocolError
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, SECRETS, VIRTUAL_HOSTS, Resource
from xds.snapshot import Snapshot

EMPTY = snapshot()


def comes(published: Snapshot | None = FLEET) -> DeltaClient:
    return DeltaClient(DeltaSession(published))


def test_the_first_request_of_each_type_is_answered_in_envoys_order() -> None:  # D1 O1 G18
    client = comes()

    assert client.ask(CLUSTERS) == ["clusters: a b"]
    assert client.ask(ENDPOINTS, "a", "b") == ["endpoints: a b"]
    assert client.say(ENDPOINTS) == []
    assert client.say(CLUSTERS) == []
    assert client.ask(LISTENERS) == ["listeners: l"]
    assert client.ask(ROUTES, "r") == ["routes: r"]


def test_a_set_that_is_known_to_be_empty_is_an_answer() -> None:  # D1 S1
    client = comes(EMPTY)

    assert client.ask(CLUSTERS) == ["clusters:"]
    assert client.say(CLUSTERS) == []


def test_nothing_is_served_before_the_first_snapshot() -> None:  # S1, family 8
    client = comes(None)

    assert client.ask(CLUSTERS) == []
    assert client.ask(ENDPOINTS, "a", "c") == []
    assert client.publish(FLEET) == ["clusters: a b", "endpoints: a ?c"]


def test_an_empty_wish_for_other_types_is_none() -> None:  # D1 S7
    client = comes()

    assert client.ask(ENDPOINTS) == []
    assert client.ask(ROUTES) == []
    assert client.publish(snapshot("a=1", "a=2", "l=1", "r=2")) == []


def test_a_star_is_everything_of_any_type() -> None:  # D1
    client = comes()

    assert client.ask(CLUSTERS, "*") == ["clusters: a b"]
    assert client.ask(ENDPOINTS, "*") == ["endpoints: a b"]
    assert client.ask(SECRETS, "*") == ["secrets:"]


def test_named_clusters_are_sent_alone() -> None:  # G18
    client = comes()

    assert client.ask(CLUSTERS, "a") == ["clusters: a"]
    client.say(CLUSTERS)
    assert client.publish(snapshot("a=1 b=2", "", "")) == []


def test_a_first_message_that_only_gives_up_is_no_wish_for_everything() -> None:  # D1
    client = comes()

    assert client.drop(CLUSTERS, "a") == []
    assert client.ask(CLUSTERS, "b") == ["clusters: b"]


def test_a_wish_shrinks_from_everything_to_nothing() -> None:  # D2, family 7
    client = comes()
    assert client.ask(CLUSTERS) == ["clusters: a b"]
    assert client.say(CLUSTERS, ask=("a",)) == ["clusters: a"]
    assert client.say(CLUSTERS, drop=("*",)) == []
    assert client.publish(snapshot("a=2 b=2")) == ["clusters: a"]
    assert client.say(CLUSTERS, drop=("a",)) == []

    assert client.publish(snapshot("a=3 b=3")) == []


def test_a_wish_grows_from_a_name_to_everything() -> None:  # D1 D4, family 7
    client = comes()
    client.ask(CLUSTERS, "a")

    assert client.say(CLUSTERS, ask=("*",)) == ["clusters: b"]


def test_asking_for_everything_is_answered_though_the_client_has_it() -> None:  # D4, family 7
    client = comes()
    client.ask(CLUSTERS, "a", "b")

    client.say(CLUSTERS)
    assert client.ask(CLUSTERS, "*") == ["clusters:"]
    assert client.say(CLUSTERS, ask=("*",)) == ["clusters: a b"]
    assert client.say(CLUSTERS) == []


def test_names_count_whatever_the_nonce_is() -> None:  # D3 D11, family 6
    client = comes()
    client.ask(ENDPOINTS, "a")

    assert client.say(ENDPOINTS, nonce="of long ago", ask=("b",)) == []
    assert client.say(ENDPOINTS, drop=("a",)) == ["endpoints: b"]
    client.say(ENDPOINTS)
    assert client.publish(snapshot("", "a=2 b=2")) == ["endpoints: b"]


def test_one_message_can_be_a_nack_and_a_wish() -> None:  # D3 G6a
    client = comes()
    client.ask(ENDPOINTS, "a")

    assert client.say(ENDPOINTS, error="no", ask=("b",)) == ["endpoints: b"]


def test_a_nack_of_another_response_is_none() -> None:  # D11
    client = comes()
    client.ask(ENDPOINTS, "a")

    assert client.say(ENDPOINTS, nonce="of long ago", error="no") == []
    assert client.say(ENDPOINTS) == []
    assert client.session.status()[ENDPOINTS].refusal is None


def test_a_name_asked_for_again_is_answered_again() -> None:  # D4, family 4
    client = comes()
    client.ask(ENDPOINTS, "a", "b")
    client.say(ENDPOINTS)

    assert client.ask(ENDPOINTS, "a") == ["endpoints: a"]
    assert client.say(ENDPOINTS) == []


def test_a_name_given_up_and_asked_for_again_is_answered_again() -> None:  # D4 S4, family 4
    client = comes()
    client.ask(ENDPOINTS, "a", "b")
    client.say(ENDPOINTS)
    assert client.drop(ENDPOINTS, "a") == []  # D6

    assert client.ask(ENDPOINTS, "a") == ["endpoints: a"]


def test_a_name_asked_for_while_its_resource_is_on_the_way_is_answered_again() -> None:  # D4
    client = comes()
    client.ask(ENDPOINTS, "a")

    assert client.ask(ENDPOINTS, "a") == []
    assert client.say(ENDPOINTS) == ["endpoints: a"]


def test_a_missing_name_is_answered_and_sent_when_it_appears() -> None:  # D5 G10, family 5
    client = comes(snapshot("", "a=1"))

    assert client.ask(ENDPOINTS, "a", "later") == ["endpoints: a ?later"]
    assert client.say(ENDPOINTS) == []
    assert client.publish(snapshot("", "a=1 later=1")) == ["endpoints: later"]


def test_a_missing_name_beside_everything_is_answered() -> None:  # D5
    client = delta_envoy()

    assert client.ask(CLUSTERS, "later") == ["clusters: ?later"]


def test_giving_up_unknown_names_means_nothing() -> None:  # D6
    client = delta_envoy()

    assert client.drop(ENDPOINTS, "unheard-of") == []
    assert client.drop(CLUSTERS, "unheard-of") == []


def test_a_name_given_up_beside_everything_is_answered() -> None:  # D7, family 7
    client = comes()
    client.ask(CLUSTERS, "*", "a", "missing")
    client.say(CLUSTERS)

    assert client.drop(CLUSTERS, "a") == ["clusters: a"]
    assert client.say(CLUSTERS, drop=("missing",)) == ["clusters: ?missing"]


def test_a_name_both_given_up_and_asked_for_is_wanted() -> None:  # D4
    client = delta_envoy()

    assert client.say(ENDPOINTS, ask=("a",), drop=("a",)) == ["endpoints: a"]
    client.say(ENDPOINTS)
    assert client.publish(snapshot("a=1 b=1", "a=2 b=1", "l=1", "r=1")) == ["endpoints: a"]


def test_a_client_that_comes_back_is_sent_what_differs() -> None:  # D8 G5, family 12
    client = comes(snapshot("a=1 b=2 c=1"))

    has = versions(FLEET, CLUSTERS)
    assert client.ask(CLUSTERS, has=has) == ["clusters: b c"]


def test_a_client_that_comes_back_up_to_date_is_sent_nothing() -> None:  # D8, family 12
    client = comes()

    for type_url, names in ((CLUSTERS, ()), (LISTENERS, ()), (ROUTES, ("r",))):
        assert client.ask(type_url, *names, has=versions(FLEET, type_url)) == []
    assert client.publish(FLEET) == []
    assert client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=2")) == ["routes: r"]


def test_a_client_that_comes_back_hears_what_went() -> None:  # D8 D10
    client = comes(snapshot("a=1", "", "l=1"))

    assert client.ask(LISTENERS, has={"l": "old", "gone": "1"}) == ["listeners: l -gone"]


def test_what_a_client_brings_along_is_no_wish() -> None:  # D8
    client = comes()

    assert client.ask(ROUTES, has=versions(FLEET, ROUTES)) == []
    assert client.ask(ROUTES, "r") == ["routes: r"]
    assert client.ask(LISTENERS, "other", has={"gone": "1"}) == ["listeners: ?other"]


def test_what_a_client_brings_along_tells_nothing_of_other_names() -> None:  # D8 D4
    client = comes(snapshot("", "", "", "r=1 q=1"))

    assert client.ask(ROUTES, "r", "q", "s", has={"r": "old"}) == ["routes: q r ?s"]


def test_a_client_that_comes_back_is_always_sent_its_load_assignments() -> None:  # W6 D8, family 2
    client = comes()

    has = versions(FLEET, ENDPOINTS)
    assert client.ask(ENDPOINTS, "a", "b", has=has) == ["endpoints: a b"]


def test_each_resource_has_a_name_and_a_version_of_its_own() -> None:  # D9
    client = comes()
    client.ask(CLUSTERS)

    sent = client.last[CLUSTERS]
    assert [each.name for each in sent.resources.resources.values()] == ["a", "b"]
    assert {each.version for each in sent.resources.resources.values()} == set(
        versions(FLEET, CLUSTERS).values()
    )
    assert sent.version == FLEET.version(CLUSTERS)


def test_only_what_changed_is_sent() -> None:  # G12, family 13
    client = delta_envoy()

    assert client.publish(snapshot("a=1 b=1", "a=1 b=2", "l=1", "r=1")) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []
    assert client.publish(snapshot("a=1 b=1", "a=1 b=2", "l=1", "r=1")) == []


def test_two_clients_are_sent_the_very_same() -> None:  # family 13
    one, other = delta_envoy(), delta_envoy()
    changed = snapshot("a=1 b=1", "a=1 b=2", "l=1", "r=1")
    one.publish(changed)
    other.publish(changed)

    # It is encoded once for both.
    assert one.last[ENDPOINTS].resources is other.last[ENDPOINTS].resources


def test_what_went_is_told_for_every_type() -> None:  # D10
    client = delta_envoy()
    client.publish(EMPTY)
    told = []
    for type_url in (LISTENERS, ROUTES, CLUSTERS, ENDPOINTS):
        told.append(client.last[type_url].removed)
        client.say(type_url)

    assert told == [("l",), ("r",), ("a", "b"), ("a", "b")]


def test_a_name_is_told_to_be_gone_once_though_it_is_asked_for_too() -> None:  # G13 D5
    client = delta_envoy()
    client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=2", "r=1"))
    client.ask(LISTENERS, "l")
    client.publish(snapshot("a=1 b=1", "a=1 b=1", "", "r=1"))

    assert client.say(LISTENERS) == ["listeners: -l"]
    assert client.say(LISTENERS) == []


HOST = Resource(VIRTUAL_HOSTS, "r/h", b"host", aliases=("r/example.com",))


def test_an_alias_leads_to_the_resource_with_its_own_name() -> None:  # D12 D13 G19
    client = comes(Snapshot.build([HOST]))

    assert client.ask(VIRTUAL_HOSTS, "r/example.com") == ["hosts: r/h"]
    client.say(VIRTUAL_HOSTS)
    assert client.ask(VIRTUAL_HOSTS, "r/example.com") == ["hosts: r/h"]
    client.say(VIRTUAL_HOSTS)
    assert client.publish(EMPTY) == ["hosts: -r/h"]


def test_a_missing_alias_is_answered() -> None:  # D12
    client = comes(Snapshot.build([HOST]))

    assert client.ask(VIRTUAL_HOSTS, "r/example.com", "r/other") == ["hosts: r/h ?r/other"]
    client.say(VIRTUAL_HOSTS)
    other = Resource(VIRTUAL_HOSTS, "r/o", b"host", aliases=("r/other",))
    assert client.publish(Snapshot.build([HOST, other])) == ["hosts: r/o"]


def test_a_type_that_nobody_publishes_is_answered_with_what_is_missing() -> None:  # G10
    client = comes()

    assert client.ask(SECRETS, "cert") == ["secrets: ?cert"]
    client.say(SECRETS)
    assert client.publish(Snapshot.build([Resource(SECRETS, "cert", b"pem")])) == ["secrets: cert"]


def test_types_that_were_not_asked_for_are_not_sent() -> None:  # G11
    client = comes()
    client.ask(CLUSTERS)
    client.say(CLUSTERS)

    assert client.publish(snapshot("a=1 b=1", "a=2 b=2", "l=2", "r=2")) == []


def test_one_response_is_in_flight_and_the_newest_state_follows() -> None:  # G14 G17a, family 11
    client = delta_envoy()
    for weight in range(2, 50):
        sent = client.publish(snapshot("a=1 b=1", f"a={weight} b=1", "l=1", "r=1"))
        assert sent == (["endpoints: a"] if weight == 2 else [])

    assert client.say(ENDPOINTS) == ["endpoints: a"]
    assert client.body(ENDPOINTS, "a") == b"49"
    assert client.say(ENDPOINTS) == []


def test_nonces_are_never_repeated_on_a_stream() -> None:  # G4
    client = delta_envoy()
    nonces = [client.nonce(type_url) for type_url in (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)]
    for weight in range(5):
        client.publish(snapshot(f"a={weight}x", "a=1"))
        nonces.append(client.nonce(CLUSTERS))
        client.say(CLUSTERS)

    assert all(nonces)
    assert len(set(nonces)) == len(nonces)


def test_a_stream_that_begins_without_a_node_is_refused() -> None:  # G1
    with pytest.raises(ProtocolError, match="node"):
        DeltaSession(FLEET).receive(DeltaRequest(type_url=CLUSTERS))


def test_the_node_is_only_expected_once() -> None:  # G1
    session = DeltaSession(FLEET)
    session.receive(DeltaRequest(type_url=CLUSTERS, node=ENVOY))
    session.receive(DeltaRequest(type_url=LISTENERS))

    assert session.node == ENVOY


def test_a_request_without_a_type_is_refused() -> None:  # G2
    with pytest.raises(ProtocolError, match="type_url"):
        DeltaSession(FLEET).receive(DeltaRequest(node=ENVOY))


def test_everything_asked_for_again_counts_what_was_on_its_way() -> None:  # D4, family 6
    client = comes(snapshot("a=1"))
    client.ask(CLUSTERS)
    # Given up and wanted again before the response arrives: the client takes what is in it.
    client.drop(CLUSTERS, "*")
    client.ask(CLUSTERS, "*")
    client.publish(EMPTY)

    assert client.say(CLUSTERS) == ["clusters: -a"]


def test_a_wish_is_visible_by_names_and_wildcard() -> None:  # family 15
    client = comes()
    client.ask(CLUSTERS, "*", "a")
    client.ask(CLUSTERS, "*", "b")

    wish = client.session.status()[CLUSTERS]
    assert wish.wildcard
    assert wish.names == {"a", "b"}
