"""What a client refuses, in either variant: parked until its content changes, and visible."""

from datetime import timedelta

import pytest

from protocol.clients import NOON, DeltaClient, SotwClient, delta_envoy, snapshot, sotw_envoy
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.snapshot import Snapshot
from xds.status import Refusal

Client = SotwClient | DeltaClient


@pytest.fixture(params=[sotw_envoy, delta_envoy])
def client(request: pytest.FixtureRequest) -> Client:
    made: Client = request.param()
    return made


def endpoints(text: str) -> Snapshot:
    return snapshot("a=1 b=1", text, "l=1", "r=1")


def test_a_nack_gets_silence_until_the_content_changes(client: Client) -> None:
    # G6 G7 D11, family 1
    assert client.publish(endpoints("a=bad b=1")) == ["endpoints: a"]

    assert client.say(ENDPOINTS, error="no") == []
    assert client.say(ENDPOINTS, error="no") == []
    assert client.publish(endpoints("a=bad b=1")) == []
    assert client.publish(endpoints("a=good b=1")) == ["endpoints: a"]


def test_a_nack_without_words_is_a_nack(client: Client) -> None:  # G6
    client.publish(endpoints("a=bad b=1"))

    assert client.say(ENDPOINTS, error="") == []
    refusal = client.session.status()[ENDPOINTS].refusal
    assert refusal is not None
    assert not refusal.reason


def test_a_nack_of_one_type_does_not_hold_up_another(client: Client) -> None:  # G9
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="no")

    assert client.publish(snapshot("a=1 b=1", "a=bad b=1", "l=1", "r=2")) == ["routes: r"]


def test_what_stood_beside_the_refused_comes_back_with_the_mended(client: Client) -> None:  # G8
    client.publish(endpoints("a=bad b=2"))
    # The client stopped at a, and never looked at b.
    client.say(ENDPOINTS, error="a is bad")

    # The one that changed comes alone: were b the bad one, a would not arrive beside it.
    assert client.publish(endpoints("a=2 b=2")) == ["endpoints: a"]
    assert client.say(ENDPOINTS) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []
    assert client.session.status()[ENDPOINTS].refusal is None


def test_a_bad_one_does_not_hold_up_those_beside_it(client: Client) -> None:  # G7 G8
    client.publish(endpoints("a=bad b=2"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.publish(endpoints("a=bad b=3")) == ["endpoints: b"]
    # What stood beside it may have been good, and is tried once.
    assert client.say(ENDPOINTS) == ["endpoints: a"]
    assert client.say(ENDPOINTS, error="a is bad") == []
    for content in "456":
        assert client.publish(endpoints(f"a=bad b={content}")) == ["endpoints: b"]
        assert client.say(ENDPOINTS) == []
    assert client.publish(endpoints("a=2 b=6")) == ["endpoints: a"]
    assert client.say(ENDPOINTS) == []
    assert client.session.status()[ENDPOINTS].refusal is None


def test_what_stood_beside_comes_though_the_mended_is_bad_again(client: Client) -> None:  # G8
    client.publish(endpoints("a=bad b=2"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.publish(endpoints("a=bad2 b=2")) == ["endpoints: a"]
    assert client.say(ENDPOINTS, error="a is bad again") == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []
    refusal = client.session.status()[ENDPOINTS].refusal
    assert refusal is not None
    assert refusal.reason == "a is bad again"


def test_several_that_are_refused_again_wait_for_the_next_change(client: Client) -> None:  # G7
    if client.ask(ENDPOINTS, "a", "b", "c"):
        client.say(ENDPOINTS)
    client.publish(endpoints("a=bad b=2 c=bad"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.publish(endpoints("a=bad b=3 c=bad")) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == ["endpoints: a c"]
    assert client.say(ENDPOINTS, error="a is bad") == []
    assert client.publish(endpoints("a=bad b=4 c=bad")) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []
    assert client.publish(endpoints("a=bad b=4 c=2")) == ["endpoints: c"]
    assert client.say(ENDPOINTS) == ["endpoints: a"]
    assert client.say(ENDPOINTS, error="a is bad") == []


def test_what_stood_beside_the_refused_comes_back_when_that_goes(client: Client) -> None:  # G8
    client.publish(endpoints("a=bad b=2"))
    client.say(ENDPOINTS, error="a is bad")

    [sent] = client.publish(endpoints("b=2"))
    assert sent.startswith("endpoints: b")
    client.say(ENDPOINTS)
    assert client.session.status()[ENDPOINTS].refusal is None


def test_clusters_beside_the_refused_come_back_with_the_mended(client: Client) -> None:  # G8
    client.publish(snapshot("a=bad b=2", "a=1 b=1", "l=1", "r=1"))
    client.say(CLUSTERS, error="a is bad")

    # The client tells by its answer whether it has taken b.
    mended = client.publish(snapshot("a=2 b=2", "a=1 b=1", "l=1", "r=1"))
    if isinstance(client, SotwClient):
        assert mended == ["clusters: a b"]
    else:
        assert mended == ["clusters: a"]
        assert "clusters: b" in client.say(CLUSTERS)


def test_what_was_refused_does_not_come_along_with_what_was_not(client: Client) -> None:  # G7
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.publish(endpoints("a=bad b=2")) == ["endpoints: b"]


def test_a_refusal_shows_what_why_and_since_when(client: Client) -> None:  # G8, family 15
    before = client.session.status()[ENDPOINTS]
    assert before.version_sent == before.version_acked != ""
    bad = endpoints("a=bad b=1")
    client.publish(bad)
    sent = client.session.status()[ENDPOINTS]
    assert (sent.version_sent, sent.version_acked) == (
        bad.version(ENDPOINTS),
        before.version_acked,
    )
    assert sent.nonce == client.nonce(ENDPOINTS) != before.nonce
    assert sent.refusal is None

    client.say(ENDPOINTS, error="a is bad")
    refused = client.session.status()[ENDPOINTS]
    assert refused.refusal == Refusal(bad.version(ENDPOINTS), "a is bad", NOON)
    assert refused.version_acked == before.version_acked


def test_a_refusal_ends_when_the_mended_is_accepted(client: Client) -> None:  # family 15
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="a is bad")
    good = endpoints("a=2 b=1")
    client.publish(good)
    assert client.session.status()[ENDPOINTS].refusal is not None

    client.say(ENDPOINTS)
    status = client.session.status()[ENDPOINTS]
    assert status.refusal is None
    assert status.version_acked == good.version(ENDPOINTS)


def test_a_refusal_stays_while_something_else_is_accepted(client: Client) -> None:  # family 15
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="a is bad")
    client.publish(endpoints("a=bad b=2"))
    client.say(ENDPOINTS)

    refusal = client.session.status()[ENDPOINTS].refusal
    assert refusal is not None
    assert refusal.reason == "a is bad"


def test_a_refusal_of_another_version_is_another() -> None:  # family 15
    client = sotw_envoy()
    later = NOON + timedelta(minutes=1)
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="first")
    worse = endpoints("a=bad2 b=1")
    client.publish(worse)
    client.say(ENDPOINTS, error="second", at=later)

    refusal = client.session.status()[ENDPOINTS].refusal
    assert refusal == Refusal(worse.version(ENDPOINTS), "second", later)


def test_a_version_refused_again_is_refused_since_the_first_time() -> None:  # family 15
    client = delta_envoy()
    bad = endpoints("a=bad b=1")
    client.publish(bad)
    client.say(ENDPOINTS, error="first")
    client.ask(ENDPOINTS, "a")
    client.say(ENDPOINTS, error="again", at=NOON + timedelta(minutes=1))

    refusal = client.session.status()[ENDPOINTS].refusal
    assert refusal == Refusal(bad.version(ENDPOINTS), "first", NOON)


def test_a_refusal_ends_with_the_wish_for_what_was_refused() -> None:  # family 15
    client = sotw_envoy()
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="a is bad")
    client.names[ENDPOINTS] = frozenset("b")
    client.say(ENDPOINTS)

    assert client.session.status()[ENDPOINTS].refusal is None


def test_what_was_refused_and_went_keeps_nothing_waiting(client: Client) -> None:  # O2 G8
    client.publish(snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=bad"))
    client.say(ROUTES, error="no")

    # The listener names q now, and nobody uses r any longer.
    client.publish(snapshot("a=1", "a=1", "l=2", "q=1"))
    assert client.ask(ROUTES, "q") == ["routes: q"]
    if isinstance(client, DeltaClient):
        client.drop(ROUTES, "r")
    assert client.say(LISTENERS) == []
    assert client.say(ROUTES)[0].startswith("clusters:")


def test_a_refusal_of_nothing_at_all_is_one_too(client: Client) -> None:  # O2 G8
    client.publish(snapshot("a=1", "a=1"))
    client.say(LISTENERS, error="I need one")

    assert client.session.is_holding


def test_a_second_ack_after_a_refusal_brings_only_the_others_back() -> None:  # G7 W1
    client = sotw_envoy()
    client.publish(endpoints("a=bad b=1"))
    client.say(ENDPOINTS, error="a is bad")

    assert client.say(ENDPOINTS) == ["endpoints: b"]
    assert client.say(ENDPOINTS) == []


def test_what_was_refused_and_is_gone_is_not_sent_along_with_what_changed() -> None:  # G7 W3
    client = delta_envoy(snapshot("a=1 c=1", "a=1 c=1", "l=1", "r=1"))
    changed = snapshot("a=1 c=2", "a=2 c=bad", "l=1", "r=1")
    assert client.publish(changed) == ["clusters: c", "endpoints: a c"]

    # Still warming c, the client refuses its load assignment, which is gone by then.
    assert client.publish(snapshot("a=2", "a=1", "l=1", "r=1")) == []
    assert client.say(ENDPOINTS, error="c is bad") == ["endpoints: a"]
