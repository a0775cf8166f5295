"""Know the conversation with one client, as far as both variants of the protocol have it alike.

Nothing is queued: what to send is derived, whenever something arrives, from the newest snapshot
and from what the client was sent and has answered.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import ClassVar, Final, Generic, TypeVar

from xds.protocol.holds import Holds
from xds.protocol.messages import AnyRequest, ProtocolError, Response
from xds.protocol.state import Due, TypeState
from xds.protocol.subscription import Subscription
from xds.references import Reference, eds_name, references
from xds.resources import (
    CLUSTERS,
    ENDPOINTS,
    EXTENSION_CONFIGS,
    LISTENERS,
    ROUTES,
    SCOPED_ROUTES,
    SECRETS,
    VIRTUAL_HOSTS,
    Resource,
    in_order,
)
from xds.selection import Selection
from xds.snapshot import Snapshot
from xds.status import Node, TypeStatus, Variant

# Make before break. What names clusters waits until the client has answered for the clusters; what
# is no longer named is taken away once the client has accepted that it is not. What clusters need
# waits for nothing: a client that warms a cluster answers only when its load assignment is there.
# https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
# So does what a cluster may warm for in its own filters.
_AFTER_CLUSTERS: Final = (LISTENERS, SCOPED_ROUTES, ROUTES, VIRTUAL_HOSTS)
_NAMING_CLUSTERS: Final = (*_AFTER_CLUSTERS, EXTENSION_CONFIGS)
_REMOVED_AFTER: Final[Mapping[str, tuple[str, ...]]] = {
    CLUSTERS: _NAMING_CLUSTERS,
    ENDPOINTS: (CLUSTERS,),
    SECRETS: (CLUSTERS, LISTENERS, EXTENSION_CONFIGS),
    EXTENSION_CONFIGS: (LISTENERS,),
    SCOPED_ROUTES: (LISTENERS,),
    ROUTES: (LISTENERS, SCOPED_ROUTES),
    VIRTUAL_HOSTS: (ROUTES,),
}
# What a client asks for by name, once it was sent what has that name in it. gRPC's clients accept a
# listener before they do.
_REFERRING: Final = (LISTENERS, SCOPED_ROUTES)

# More than there are; each costs a little at every step.
_MOST_TYPES: Final = 50

R = TypeVar("R", bound=AnyRequest)
Known = Callable[[str, str], Selection | None]
Doubts = Callable[[str], frozenset[str]]


def _forgotten(_: str, __: str) -> Selection | None:
    return None


def _undoubted(_: str) -> frozenset[str]:
    return frozenset()


class Session(ABC, Generic[R]):
    """The conversation with one client: hand it what arrived, send what it returns.

    `service` is the type URL of a service for one type, "" for the aggregated one. `known` finds
    what was published of a type under a version: a client that comes back may have that. `doubts`
    tells, by the node's id, what `doubts` of its last session told.
    """

    variant: ClassVar[Variant]
    # The types of which a response can take something from the client.
    _removable: ClassVar[frozenset[str]]

    def __init__(
        self,
        snapshot: Snapshot | None = None,
        *,
        known: Known = _forgotten,
        doubts: Doubts = _undoubted,
        service: str = "",
    ) -> None:
        self._snapshot = snapshot
        self._known = known
        self._doubts = doubts
        self._service = service
        self._types: dict[str, TypeState] = {}
        self._nonces = 0
        self._node: Node | None = None
        self._holds = Holds()

    @property
    def node(self) -> Node | None:
        """How the client introduced itself; None before its first request."""
        return self._node

    @property
    def doubts(self) -> frozenset[str]:
        """The types of which the client may have a part of what it has not accepted.

        The version that it comes back with does not tell.
        """
        if self._node is None:
            return frozenset()
        before = self._doubts(self._node.id) - self._types.keys()
        return before.union(
            url for url, state in self._types.items() if state.in_flight or state.suspects
        )

    @property
    def holds(self) -> frozenset[int]:
        """What is due and waits for the client to answer for something else: numbers, by age."""
        return self._holds.current

    @property
    def is_holding(self) -> bool:
        """Whether something is due that waits for the client to answer for something else."""
        return bool(self.holds)

    def status(self) -> Mapping[str, TypeStatus]:
        """Return where the conversation about each type stands, by type URL."""
        return MappingProxyType({url: state.status() for url, state in self._types.items()})

    def receive(self, request: R) -> list[Response]:
        """Take a request, an ACK or a NACK, and return what may be sent now.

        Raises ProtocolError where the client broke the protocol.
        """
        type_url = self._introduce(request)
        state = self._types.get(type_url)
        if state is None:
            if len(self._types) == _MOST_TYPES:
                message = f"a stream may ask for {_MOST_TYPES} types, and this is one more"
                raise ProtocolError(message)
            # Nonces and subscriptions of an earlier stream mean nothing on this one.
            self._types[type_url] = self._first(type_url, request)
            self._types = {url: self._types[url] for url in in_order(self._types)}
            return self._answers()
        is_repeated = self._subscribe(state, request)
        if request.nonce == state.nonce:
            if state.in_flight:
                state.settle(request)
                if is_repeated and self._is_done(state):
                    # By far the most requests are such an ACK, on which nothing waits.
                    return []
            elif is_repeated and request.error is None:
                self._repeat(state)
        # Else it is stale: sent before the response that is in flight arrived. A request with its
        # nonce follows, and answering both would start an endless crossing of messages.
        return self._answers()

    def publish(self, snapshot: Snapshot) -> list[Response]:
        """Take the newest snapshot and return, in ORDER, what the client now lacks."""
        self._snapshot = snapshot
        return self._answers()

    def release(self, hold: int | None = None) -> list[Response]:
        """End a hold and those before it, or all that there are, and return what was held back."""
        self._holds.release(hold)
        for state in self._types.values():
            # What a client that came back has not asked for by now, it will not ask for.
            state.is_resumed = False
        return self._answers()

    @abstractmethod
    def _first(self, type_url: str, request: R) -> TypeState:
        """Return the state of a type after the first request for it."""

    @abstractmethod
    def _subscribe(self, state: TypeState, request: R) -> bool:
        """Take a later wish; tell whether it is the one that there was."""

    @abstractmethod
    def _repeat(self, state: TypeState) -> None:
        """Take a request that says once more what was said before."""

    @abstractmethod
    def _recall(self, state: TypeState, snapshot: Snapshot) -> None:
        """Find out, at the first answer, what a client that came back has."""

    @abstractmethod
    def _due(self, state: TypeState, selection: Selection, snapshot: Snapshot) -> Due | None:
        """Return what the client lacks of a selection from a snapshot; None if nothing."""

    def _introduce(self, request: R) -> str:
        if not self._service and not request.type_url:
            message = "a request on the aggregated stream names no type_url"
            raise ProtocolError(message)
        if self._service and request.type_url not in {"", self._service}:
            message = f"this service is for {self._service}, not for {request.type_url}"
            raise ProtocolError(message)
        if self._node is None:
            if request.node is None or not request.node.id:
                message = "the first request of a stream must carry a node with an id"
                raise ProtocolError(message)
            self._node = request.node
        return request.type_url or self._service

    def _answers(self) -> list[Response]:
        snapshot = self._snapshot
        if snapshot is None:
            return []
        for state in self._types.values():
            self._recall(state, snapshot)
        found = [self._answer(state, snapshot) for state in self._types.values()]
        return [response for response in found if response is not None]

    def _is_done(self, state: TypeState) -> bool:
        """Tell whether an answer to what was sent of a type makes nothing due, of any type."""
        snapshot = self._snapshot
        return (
            snapshot is not None
            and state.is_settled
            and not self._holds.current
            and state.subscription.select(snapshot, state.type_url) is state.sent
        )

    def _answer(self, state: TypeState, snapshot: Snapshot) -> Response | None:
        if state.in_flight:
            return None
        type_url = state.type_url
        wanted = state.subscription.select(snapshot, type_url)
        if wanted is state.sent and state.is_settled:
            self._holds.remove(type_url)
            self._holds.go(type_url)
            return None
        selection = self._with_kept(state, wanted, snapshot)
        due = self._due(state, selection, snapshot)
        if due is None:
            self._holds.go(type_url)
            state.keep(selection, wanted)
            return None
        if self._must_wait(type_url):
            return None
        if type_url == CLUSTERS:
            self._follow(selection.since(state.sent).changed)
        self._nonces += 1
        state.begin(str(self._nonces), selection, wanted, due)
        state.began = self._holds.next()
        return Response(
            type_url, selection.version, state.nonce, due.resources, due.removed, due.missing
        )

    def _must_wait(self, type_url: str) -> bool:
        """Tell whether a type is not sent before the client has answered for its clusters."""
        clusters = self._types.get(CLUSTERS)
        is_waiting = clusters is not None and clusters.in_flight and type_url in _AFTER_CLUSTERS
        if clusters and is_waiting and self._holds.wait(type_url, clusters.began):
            return True
        self._holds.go(type_url)
        return False

    def _follow(self, changed: Selection) -> None:
        """See to it that the load assignment of each changed cluster comes after the cluster.

        Whoever warms a cluster waits for one. Its version alone does not tell: load assignments do
        not wait for clusters, and may have been sent for a cluster as it was, or is to be.
        """
        if endpoints := self._types.get(ENDPOINTS):
            endpoints.again |= changed.once(_eds_names)

    @staticmethod
    def _changed(state: TypeState, selection: Selection, snapshot: Snapshot) -> Selection:
        """Return what to send of a selection: what is new, and what is due once more."""
        changed = selection.since(state.sent).changed
        if state.is_settled:
            return changed
        had = state.sent.resources
        repeated = {name for name in state.again if name in had and name not in state.suspects}
        if names := state.asked | repeated:
            # Not out of the selection: what is only kept for the client is not sent again.
            again = snapshot.named(state.type_url, names).resources
            if not again.keys() <= changed.resources.keys():
                return selection.part({**changed.resources, **again})
        if changed.resources:
            return changed
        return selection.part(state.retried(state.subscription.select(snapshot, state.type_url)))

    def _with_kept(self, state: TypeState, wanted: Selection, snapshot: Snapshot) -> Selection:
        """Return what is wanted, and what is no longer there but may still be used."""
        type_url = state.type_url
        gone: Mapping[str, Resource] = {}
        if wanted is not state.sent and type_url in self._removable and type_url in _REMOVED_AFTER:
            gone = wanted.since(state.sent).gone
        # A cluster that warms waits for the word that its load assignment is gone.
        used = gone.keys() - state.again
        if not used or all(self._has_accepted(url, snapshot) for url in _REMOVED_AFTER[type_url]):
            self._holds.remove(type_url)
            return wanted
        kept = self._holds.keep(type_url, used)
        if len(kept) == len(gone):
            return wanted.retaining(state.sent)
        return wanted.retaining(state.sent.part({name: gone[name] for name in kept}))

    def _has_accepted(self, type_url: str, snapshot: Snapshot) -> bool:
        """Tell whether the client uses what a snapshot holds of a type, as far as it wants."""
        if self._will_ask(type_url, snapshot):
            return False
        state = self._types.get(type_url)
        if state is None:
            # A client that comes back asks for one type after the other; what it will ask for is
            # in use all the time.
            return not (self._is_resumed() and snapshot.of_type(type_url))
        selection = state.subscription.select(snapshot, type_url)
        is_behind = self._due(state, selection, snapshot) is not None
        return not (state.in_flight or is_behind or state.is_refused(selection))

    def _will_ask(self, type_url: str, snapshot: Snapshot) -> bool:
        """Tell whether the client was sent names of a type that it has yet to ask for."""
        state = self._types.get(type_url)
        wish = state.subscription if state else Subscription()
        referring = (self._types[url].sent for url in _REFERRING if url in self._types)
        return not wish.wildcard and any(
            each.type_url == type_url
            and each.name not in wish.names
            and each.name in snapshot.of_type(type_url)
            for sent in referring
            for each in sent.once(_named_by)
        )

    def _published(self, snapshot: Snapshot, type_url: str, version: str) -> Selection | None:
        """Return what was published of a type under a version, now or before."""
        if snapshot.version(type_url) == version:
            return snapshot.everything(type_url)
        return self._known(type_url, version)

    def _is_resumed(self) -> bool:
        return not self._service and any(state.is_resumed for state in self._types.values())


def _named_by(referring: Selection) -> frozenset[Reference]:
    return frozenset(chain.from_iterable(map(_references, referring.resources.values())))


def _references(resource: Resource) -> frozenset[Reference]:
    try:
        return references(resource)
    except ValueError:
        # The client refuses it, and so never asks for what it names.
        return frozenset()


def _eds_names(clusters: Selection) -> frozenset[str]:
    return frozenset(map(eds_name, clusters.resources.values()))
