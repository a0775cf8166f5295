"""Know the state-of-the-world variant: what one client has, and what it must be sent next.

Nothing is queued: what to send is derived, whenever something arrives, from the newest snapshot
and from what the client was sent and has answered.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from xds.protocol.messages import ProtocolError, Request, Response
from xds.protocol.subscription import Subscription
from xds.resources import CLUSTERS, COMPLETE_TYPES, LISTENERS, ORDER, ROUTES, Resource
from xds.snapshot import Snapshot, version_of

# Make before break. What names clusters waits until the client has the clusters; what is no longer
# named is taken away once the client has accepted that it is not. Load assignments wait for
# nothing: a client that warms a cluster answers for it only when its load assignment is there.
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
_NAMING_CLUSTERS: Final = (LISTENERS, ROUTES)
_WAITING_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    CLUSTERS: _NAMING_CLUSTERS,
    LISTENERS: (CLUSTERS,),
    ROUTES: (CLUSTERS,),
}


@dataclass(slots=True)
class _TypeState:
    """Where the conversation about one type stands."""

    subscription: Subscription = field(default_factory=Subscription)
    nonce: str = ""
    # One response is in flight until the client answers it.
    in_flight: bool = False
    refused: bool = False
    # What was sent and is still subscribed, accepted or not; None before the first answer.
    sent: Mapping[str, Resource] | None = None
    # What the last response held, and what was refused together: a client stops at the first bad
    # resource of a response, so the good ones beside it may not have arrived either.
    last: Mapping[str, Resource] = field(default_factory=dict)
    suspects: Mapping[str, Resource] = field(default_factory=dict)
    # What the client said it had when it came: the version survives a reconnect.
    resumed_version: str = ""

    def begin(
        self, nonce: str, selected: Mapping[str, Resource], due: Mapping[str, Resource]
    ) -> None:
        """Note that what is due, out of what is selected, is on its way."""
        self.nonce = nonce
        self.in_flight = True
        self.refused = False
        self.sent = selected
        self.last = due
        self.suspects = {
            name: each
            for name, each in self.suspects.items()
            if name not in due and _same(selected.get(name), each)
        }

    def keep(self, names: Container[str]) -> None:
        """Forget that anything but these names was sent."""
        if self.sent is not None:
            self.sent = {name: sent for name, sent in self.sent.items() if name in names}


class Session:
    """The conversation with one client: hand it what arrived, send what it returns."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot
        self._types: dict[str, _TypeState] = {}
        self._nonces = 0
        self._node_id = ""
        self._held: set[str] = set()
        self._is_released = False

    @property
    def node_id(self) -> str:
        """The id under which the client introduced itself; "" before its first request."""
        return self._node_id

    @property
    def is_holding(self) -> bool:
        """Whether something is due that waits for the client to answer for something else."""
        return bool(self._held)

    def receive(self, request: Request) -> list[Response]:
        """Take a request, an ACK or a NACK, and return what may be sent now.

        Raises ProtocolError where the client broke the protocol.
        """
        self._introduce(request)
        state = self._types.get(request.type_url)
        if state is None:
            # Nonces and subscriptions of an earlier stream mean nothing on this one.
            state = self._types[request.type_url] = _TypeState(resumed_version=request.version)
            _subscribe(state, request)
            return self._answers((request.type_url,))
        before = state.subscription
        _subscribe(state, request)
        if request.nonce != state.nonce:
            # Stale: sent before the response that is in flight arrived. A request with its nonce
            # follows, and answering both would start an endless crossing of messages.
            return self._answers((request.type_url,))
        is_answer = state.in_flight
        state.in_flight = False
        if request.error is not None:
            # What was refused counts as sent: it is not sent again until its content changes.
            state.refused = True
            state.suspects = {**state.suspects, **state.last}
        elif not is_answer and _is_repeated(request.type_url, state, before):
            # Byte for byte a second ACK: Envoy asks so for the load assignment of a cluster that
            # changed and now warms, and waits 15 s for an answer.
            state.sent = None
        return self._answers((request.type_url, *_WAITING_FOR.get(request.type_url, ())))

    def publish(self, snapshot: Snapshot) -> list[Response]:
        """Take the newest snapshot and return, in ORDER, what the client now lacks."""
        self._snapshot = snapshot
        self._is_released = False
        return self._answers(_in_order(self._types))

    def release(self) -> list[Response]:
        """Hold nothing back any longer, until the next publish, and return what was."""
        self._is_released = True
        return self._answers(_in_order(self._types))

    def _introduce(self, request: Request) -> None:
        if not request.type_url:
            message = "a request on the aggregated stream names no type_url"
            raise ProtocolError(message)
        if not self._node_id:
            if not request.node_id:
                message = "the first request of a stream must carry a node with an id"
                raise ProtocolError(message)
            self._node_id = request.node_id

    def _answers(self, type_urls: Iterable[str]) -> list[Response]:
        if self._snapshot is None:
            return []
        found = (
            self._answer(url, self._types[url], self._snapshot)
            for url in type_urls
            if url in self._types
        )
        return [response for response in found if response is not None]

    def _answer(self, type_url: str, state: _TypeState, snapshot: Snapshot) -> Response | None:
        self._held.discard(type_url)
        if state.in_flight:
            return None
        selected = state.subscription.select(snapshot.of_type(type_url))
        version = snapshot.version(type_url)
        if _resumes(type_url, state, version):
            state.sent = selected
            return None
        if type_url == CLUSTERS and (leaving := self._leaving(state, selected, snapshot)):
            selected = {**selected, **leaving}
            # Not the snapshot's version: a client that comes back with this one has too much.
            version = version_of(selected)
            self._held.add(type_url)
        due = _due(type_url, state, selected)
        if due is None:
            return None
        if type_url in _NAMING_CLUSTERS and self._is_in_flight(CLUSTERS) and not self._is_released:
            self._held.add(type_url)
            return None
        self._nonces += 1
        state.begin(str(self._nonces), selected, due)
        return Response(type_url, version, state.nonce, due)

    def _is_in_flight(self, type_url: str) -> bool:
        state = self._types.get(type_url)
        return state is not None and state.in_flight

    def _leaving(
        self, state: _TypeState, selected: Mapping[str, Resource], snapshot: Snapshot
    ) -> Mapping[str, Resource]:
        """Return the clusters that are gone, but may still be named by what the client uses."""
        if self._is_released:
            return {}
        sent = state.sent or {}
        gone = {name: each for name, each in sent.items() if name not in selected}
        return gone if gone and not self._has_accepted(snapshot, _NAMING_CLUSTERS) else {}

    def _has_accepted(self, snapshot: Snapshot, type_urls: Iterable[str]) -> bool:
        """Tell whether the client uses what a snapshot holds of some types, as far as it wants."""
        for type_url in type_urls:
            state = self._types.get(type_url)
            if state is None:
                continue
            selected = state.subscription.select(snapshot.of_type(type_url))
            if state.in_flight or state.refused or _due(type_url, state, selected) is not None:
                return False
        return True


def _resumes(type_url: str, state: _TypeState, version: str) -> bool:
    # After a reconnect the server may skip the answer only if it is certain that the client has
    # it. Of everything there is, the version tells. Of named resources it does not, and a client
    # in the middle of warming needs its load assignment again:
    # https://github.com/envoyproxy/envoy/issues/13009
    return (
        state.sent is None
        and type_url in COMPLETE_TYPES
        and state.subscription.wildcard
        and state.resumed_version != ""
        and state.resumed_version == version
    )


def _is_repeated(type_url: str, state: _TypeState, before: Subscription) -> bool:
    same = state.subscription == before
    return same and not state.refused and type_url not in COMPLETE_TYPES


def _subscribe(state: _TypeState, request: Request) -> None:
    subscription = state.subscription.replaced(request.type_url, request.names)
    if not subscription.wildcard:
        # A name that is given up and later asked for again must be answered again.
        state.keep(subscription.names)
    state.subscription = subscription


def _due(
    type_url: str, state: _TypeState, selected: Mapping[str, Resource]
) -> Mapping[str, Resource] | None:
    if type_url in COMPLETE_TYPES:
        # All or nothing; an empty set is an answer too.
        return selected if state.sent is None or not _all_same(state.sent, selected) else None
    sent = state.sent or {}
    lacking = {name: each for name, each in selected.items() if not _same(sent.get(name), each)}
    suspects = state.suspects
    if any(not _same(selected.get(name), each) for name, each in suspects.items()):
        # One of them changed or is gone, so the others may be accepted now.
        lacking |= {name: selected[name] for name in suspects if name in selected}
    return lacking or None


def _same(one: Resource | None, other: Resource) -> bool:
    return one is not None and one.version == other.version


def _all_same(one: Mapping[str, Resource], other: Mapping[str, Resource]) -> bool:
    return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)


def _in_order(type_urls: Iterable[str]) -> list[str]:
    known = {type_url: place for place, type_url in enumerate(ORDER)}
    return sorted(type_urls, key=lambda type_url: known.get(type_url, len(ORDER)))
