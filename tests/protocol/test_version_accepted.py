"""A client that has all it wants of a snapshot is told to have accepted the snapshot's version."""

from xds.protocol.delta import DeltaSession
from xds.protocol.messages import DeltaRequest, Request
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, ROUTES, Resource
from xds.snapshot import Snapshot
from xds.status import Node

NODE = Node("envoy")
A, B = (Resource(ROUTES, name, name.encode()) for name in "ab")


def test_a_change_of_what_a_client_does_not_want_counts_as_accepted() -> None:
    session = SotwSession(Snapshot.build([A, B]))
    [response] = session.receive(Request(type_url=ROUTES, names=frozenset("a"), node=NODE))
    session.receive(Request(type_url=ROUTES, names=frozenset("a"), nonce=response.nonce))

    without = Snapshot.build([A])
    assert session.publish(without) == []

    state = session.status()[ROUTES]
    assert state.version_sent == state.version_acked == without.version(ROUTES)


def test_a_client_that_came_with_everything_has_accepted_it() -> None:
    """D8."""
    snapshot = Snapshot.build([Resource(CLUSTERS, "c", b"\x0a\x01c", version="1")])
    session = DeltaSession(snapshot)
    request = DeltaRequest(type_url=CLUSTERS, initial_versions={"c": "1"}, node=NODE)
    assert session.receive(request) == []

    state = session.status()[CLUSTERS]
    assert state.version_sent == state.version_acked == snapshot.version(CLUSTERS)


def test_a_refusal_stays_while_nothing_changes() -> None:
    """G7."""
    snapshot = Snapshot.build([A])
    session = SotwSession(snapshot)
    [response] = session.receive(Request(type_url=ROUTES, names=frozenset("a"), node=NODE))
    nack = Request(type_url=ROUTES, names=frozenset("a"), nonce=response.nonce, error="no")
    assert session.receive(nack) == []

    state = session.status()[ROUTES]
    assert state.version_acked == ""
    assert state.refusal
