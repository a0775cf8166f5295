"""How requests are read: as protobuf says, whether or not their names were seen before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.protocol.messages import ProtocolError, Request
from xds.server.names import _LATEST, shared
from xds.server.transport import delta_request, sotw_request
from xds.status import Locality, Node
from xds.wire import discovery_pb2 as wire

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Long enough to be worth remembering; some begin alike.
WISHES = [
    [f"cluster/{number:030}" for number in range(count)] for count in (0, 1, 2, 3, 5, 5, 60, 61)
] + [["a" * 300, "b" * 300], ["a" * 300, "c" * 300], ["x", "y"]]

parts = st.one_of(
    st.builds(lambda names: wire.DiscoveryRequest(resource_names=names), st.sampled_from(WISHES)),
    st.builds(lambda text: wire.DiscoveryRequest(version_info=text), st.text(max_size=200)),
    st.builds(lambda text: wire.DiscoveryRequest(type_url=text), st.sampled_from(["", "t", "u"])),
    st.builds(lambda text: wire.DiscoveryRequest(response_nonce=text), st.text(max_size=5)),
    st.builds(
        lambda name, tail: wire.DiscoveryRequest(node=wire.Node(id=name, cluster=tail * 99)),
        st.sampled_from(["", "n"]),
        st.sampled_from(["", "c"]),
    ),
    st.builds(lambda: wire.DiscoveryRequest(error_detail={"message": "no"})),
)


def said(message: bytes) -> Request:
    """Return what the protobuf library reads in a request."""
    decoded = wire.DiscoveryRequest.FromString(message)
    has_node = decoded.HasField("node")
    node = Node(decoded.node.id, decoded.node.cluster, "", Locality("", "", ""))
    return Request(
        type_url=decoded.type_url,
        nonce=decoded.response_nonce,
        error=decoded.error_detail.message if decoded.HasField("error_detail") else None,
        node=node if has_node else None,
        at=NOW,
        names=frozenset(decoded.resource_names),
        version=decoded.version_info,
    )


@given(st.lists(st.lists(parts, max_size=8), min_size=1, max_size=6))
def test_requests_say_what_the_protobuf_library_reads(requests: list[Any]) -> None:
    # Whoever writes them may put fields in any order, and one several times.
    read = []
    for each in requests:
        message = b"".join(part.SerializeToString() for part in each)
        # Kept, as a session keeps the names that it is asked for.
        read.append(sotw_request(message, NOW))
        assert read[-1] == said(message)


@given(st.binary(max_size=100), st.sampled_from(WISHES))
def test_what_is_no_request_is_refused_and_nothing_else(noise: bytes, wish: list[str]) -> None:
    names = wire.DiscoveryRequest(resource_names=wish).SerializeToString()
    known = sotw_request(names, NOW)
    assert known.names == set(wish)
    for message in (noise + names, names + noise, noise, names[:-1]):
        try:
            right = said(message)
        except Exception:  # noqa: BLE001  whatever the library raises
            with pytest.raises(ProtocolError):
                sotw_request(message, NOW)
        else:
            read = sotw_request(message, NOW)
            assert (read.names, read.nonce, read.version) == (
                right.names,
                right.nonce,
                right.version,
            )


def test_names_that_are_asked_for_again_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(names: Sequence[str], **rest: bool) -> frozenset[str]:
        read.append(len(names))
        return shared(names, **rest)

    monkeypatch.setattr("xds.server.transport.shared", counted)
    wish = [f"model/{number}" for number in range(1_000)]
    requests = [
        wire.DiscoveryRequest(resource_names=wish, node=wire.Node(id="n")),
        wire.DiscoveryRequest(resource_names=wish, response_nonce="1", version_info="v"),
        wire.DiscoveryRequest(resource_names=wish, response_nonce="2", version_info="w" * 300),
        # As large as Envoy's.
        wire.DiscoveryRequest(resource_names=wish, node=wire.Node(id="n", cluster="c" * 61_000)),
    ]
    found = [sotw_request(each.SerializeToString(), NOW) for each in requests]

    assert read == [1_000, 0, 0, 0]
    assert found[0].names == set(wish)
    assert all(each.names is found[0].names for each in found)


def test_names_that_begin_as_others_do_are_shared_too() -> None:
    wish = [f"model/{number}" for number in range(100)]
    message = wire.DiscoveryRequest(resource_names=wish).SerializeToString()
    fewer = sotw_request(wire.DiscoveryRequest(resource_names=wish[:50]).SerializeToString(), NOW)

    one, other = sotw_request(message, NOW), sotw_request(message, NOW)

    assert one.names is other.names
    assert one.names == set(wish)
    assert fewer.names == set(wish[:50])


def test_of_what_was_asked_for_little_is_kept() -> None:
    for number in range(100):
        wish = [f"{number:04}/{each}" for each in range(100)]
        sotw_request(wire.DiscoveryRequest(resource_names=wish).SerializeToString(), NOW)
    assert len(_LATEST) == 8
    wish = ["x" * 100]
    tail = wire.DiscoveryRequest(resource_names=wish).SerializeToString()
    unusual = wire.DiscoveryRequest(type_url="t").SerializeToString() + tail
    for _ in range(10):
        sotw_request(unusual, NOW)
    assert _LATEST.count(tail) == 1
    assert _LATEST[0] == tail
    incremental = wire.DeltaDiscoveryRequest(resource_names_subscribe=["y" * 100])
    delta_request(incremental.SerializeToString(), NOW)
    assert _LATEST[0] == tail

    huge = wire.DiscoveryRequest(resource_names=["x" * (1 << 20)]).SerializeToString()
    sotw_request(huge, NOW)
    assert huge not in _LATEST
