"""Know the incremental variant: requests tell how a wish changes, responses what came and went.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
"""

from collections.abc import Mapping
from typing import ClassVar

from xds.protocol.messages import DeltaRequest
from xds.protocol.session import Session
from xds.protocol.state import Due, TypeState
from xds.protocol.subscription import WILDCARD, Subscription
from xds.resources import ENDPOINTS, ORDER, Resource
from xds.selection import NOTHING, Selection
from xds.snapshot import Snapshot
from xds.status import Variant


class DeltaSession(Session[DeltaRequest]):
    """A conversation in the incremental variant."""

    variant: ClassVar[Variant] = "delta"
    _removable: ClassVar[frozenset[str]] = frozenset(ORDER)

    def _first(self, type_url: str, request: DeltaRequest) -> TypeState:
        subscription = Subscription.first(type_url, request.subscribe)
        if request.unsubscribe:
            subscription = Subscription().changed(request.subscribe, request.unsubscribe)
        has = _brought(type_url, request.initial_versions)
        if type_url == ENDPOINTS:
            # The client may be warming a cluster that it has all of, which ends only with a load
            # assignment: https://github.com/envoyproxy/envoy/issues/13009
            has = NOTHING
        elif not subscription.wildcard:
            has = has.only(subscription.names)
        return TypeState(
            type_url,
            subscription,
            is_resumed=bool(request.initial_versions),
            must_answer=subscription.wildcard and not has.resources,
            # What the client has in the right version needs no answer.
            asked=subscription.names.difference(has.resources),
            sent=has,
        )

    def _subscribe(self, state: TypeState, request: DeltaRequest) -> bool:
        if not request.subscribe and not request.unsubscribe:
            return True
        before = state.subscription
        after = state.subscription = before.changed(request.subscribe, request.unsubscribe)
        asked = request.subscribe - {WILDCARD}
        if WILDCARD in request.subscribe:
            is_arriving = state.in_flight and request.nonce != state.nonce
            asked |= _asked_by_wildcard(state, before, is_arriving=is_arriving)
        if after.wildcard:
            # A name that is given up beside the wildcard must be answered, too:
            # https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#unsubscribing-from-resources
            asked |= request.unsubscribe & before.names
        else:
            # What is given up is forgotten, here as there.
            state.sent = state.sent.only(after.names)
            state.asked &= after.names
        state.asked |= asked
        return False

    def _repeat(self, state: TypeState) -> None:
        """Do nothing: names are only asked for by asking for them."""

    def _recall(self, state: TypeState, snapshot: Snapshot) -> None:
        """Do nothing: the client told, name by name, what it has."""

    def _due(self, state: TypeState, selection: Selection, snapshot: Snapshot) -> Due | None:
        changed = self._changed(state, selection, snapshot)
        gone = selection.since(state.sent).gone
        # The load assignment of a cluster that changed and now warms is waited for, too.
        asked = state.asked | (state.again & state.subscription.names)
        missing = _missing(asked.difference(gone), selection.resources)
        if changed.resources or gone or missing or state.must_answer:
            return Due(changed, tuple(sorted(gone)), tuple(sorted(missing)))
        return None


def _asked_by_wildcard(
    state: TypeState, before: Subscription, *, is_arriving: bool
) -> frozenset[str]:
    """Take a wish for everything, and return the names that it asks for once more."""
    state.must_answer = True
    if before.wildcard:
        return frozenset(state.sent.resources)
    if not is_arriving:
        return frozenset()
    # What was given up while it was on its way arrives after all.
    arriving = state.last.resources
    state.sent = state.sent.part({**arriving, **state.sent.resources})
    return frozenset(arriving)


def _brought(type_url: str, versions: Mapping[str, str]) -> Selection:
    """Return what a client says it has: of these, only the versions are known."""
    resources = {name: Resource(type_url, name, b"", each) for name, each in versions.items()}
    return Selection(resources, "")


def _missing(asked: frozenset[str], resources: Mapping[str, Resource]) -> frozenset[str]:
    """Return the names that were asked for and lead to no resource."""
    missing = asked.difference(resources)
    if not missing:
        return missing
    return missing - {alias for each in resources.values() for alias in each.aliases}
