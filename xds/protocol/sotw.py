"""Know the state-of-the-world variant: a request tells the whole wish, a response never a removal.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#four-variants
"""

from typing import ClassVar

from xds.protocol.messages import Request
from xds.protocol.session import Session
from xds.protocol.state import Due, TypeState
from xds.protocol.subscription import Subscription
from xds.resources import COMPLETE_TYPES
from xds.selection import Selection, named_version
from xds.snapshot import Snapshot
from xds.status import Variant


class SotwSession(Session[Request]):
    """A conversation in the state-of-the-world variant."""

    variant: ClassVar[Variant] = "sotw"
    _removable: ClassVar[frozenset[str]] = COMPLETE_TYPES

    def _first(self, type_url: str, request: Request) -> TypeState:
        return TypeState(
            type_url,
            Subscription.first(type_url, request.names),
            is_resumed=bool(request.version),
            must_recall=bool(request.version) and type_url in COMPLETE_TYPES,
            # What is missing from these is not there: an empty set is an answer too.
            must_answer=type_url in COMPLETE_TYPES,
            version_acked=request.version,
        )

    def _subscribe(self, state: TypeState, request: Request) -> bool:
        before = state.subscription
        after = state.subscription = before.replaced(state.type_url, request.names)
        if after == before:
            return True
        if not after.wildcard:
            # A name that is given up and later asked for again must be answered again.
            state.sent = state.sent.only(after.names)
        is_more = after.wildcard > before.wildcard or not after.names <= before.names
        if state.type_url in COMPLETE_TYPES and is_more:
            state.must_answer = True
        return False

    def _repeat(self, state: TypeState) -> None:
        # Byte for byte a second ACK: Envoy asks so for the load assignment of a cluster that
        # changed and now warms, and waits 15 s for an answer.
        if state.type_url not in COMPLETE_TYPES:
            # What was refused is not what it waits for.
            state.sent = state.sent.only(frozenset(state.suspects))

    def _recall(self, state: TypeState, snapshot: Snapshot) -> None:
        # After a reconnect the server may skip the answer only if it is certain that the client has
        # it. Of everything there is, the version tells. Of named resources it does not, and a
        # client in the middle of warming needs its load assignment again:
        # https://github.com/envoyproxy/envoy/issues/13009
        if not state.must_recall:
            return
        state.must_recall = False
        wish, version = state.subscription, state.version_acked
        whole = version.partition(":")[0]
        if version != (whole if wish.wildcard else named_version(whole, wish.names)):
            # It came with another wish than it has now.
            return
        if found := self._published(snapshot, state.type_url, whole):
            state.sent = found if wish.wildcard else found.only(wish.names)
            state.version_sent = version
            state.must_answer = not wish.wildcard or self._is_doubted(state.type_url)

    def _due(self, state: TypeState, selection: Selection, snapshot: Snapshot) -> Due | None:
        if state.type_url in COMPLETE_TYPES:
            difference = selection.since(state.sent)
            is_behind = state.must_answer or difference.changed.resources or difference.gone
            return Due(selection) if is_behind else None
        changed = self._changed(state, selection, snapshot)
        return Due(changed) if changed.resources else None

    def _is_doubted(self, type_url: str) -> bool:
        return self._node is not None and type_url in self._doubts(self._node.id)
