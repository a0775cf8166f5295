"""Services for resources of one type: the type need not be named, and no other may be."""

import pytest

from protocol.clients import ENVOY, FLEET, snapshot
from xds.protocol.delta import DeltaSession
from xds.protocol.messages import DeltaRequest, ProtocolError, Request, Response
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS

SMALLER = snapshot("a=1", "a=1", "l=1", "r=2")


def sent(responses: list[Response]) -> list[tuple[str, list[str]]]:
    return [(each.type_url, sorted(each.resources.resources)) for each in responses]


def test_the_type_of_a_service_is_implied() -> None:  # G2 G3
    sotw, delta = SotwSession(FLEET, service=CLUSTERS), DeltaSession(FLEET, service=CLUSTERS)

    assert sent(sotw.receive(Request(node=ENVOY))) == [(CLUSTERS, ["a", "b"])]
    assert sent(delta.receive(DeltaRequest(node=ENVOY))) == [(CLUSTERS, ["a", "b"])]
    assert list(sotw.status()) == list(delta.status()) == [CLUSTERS]


def test_the_type_of_a_service_may_be_named() -> None:  # G2
    session = SotwSession(FLEET, service=LISTENERS)

    assert sent(session.receive(Request(type_url=LISTENERS, node=ENVOY))) == [(LISTENERS, ["l"])]


def test_another_type_is_refused() -> None:  # G2
    with pytest.raises(ProtocolError) as raised:
        SotwSession(FLEET, service=CLUSTERS).receive(Request(type_url=ENDPOINTS, node=ENVOY))

    assert str(raised.value) == f"this service is for {CLUSTERS}, not for {ENDPOINTS}"
    with pytest.raises(ProtocolError, match="this service"):
        DeltaSession(service=CLUSTERS).receive(DeltaRequest(type_url=ENDPOINTS, node=ENVOY))


def test_who_comes_back_to_a_service_of_one_type_is_asked_for_no_other() -> None:  # O2
    session = DeltaSession(SMALLER, service=CLUSTERS)
    has = {name: each.version for name, each in FLEET.of_type(CLUSTERS).items()}

    # Routes come over another stream, about which nothing is known here.
    [response] = session.receive(DeltaRequest(node=ENVOY, initial_versions=has))
    assert response.removed == ("b",)
