"""Know where the conversation about one type stands: what was sent, answered, refused.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#ack-nack-and-resource-type-instance-version
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from xds.protocol.messages import AnyRequest
from xds.protocol.subscription import Subscription
from xds.resources import Resource
from xds.selection import NOTHING, Selection
from xds.status import Refusal, TypeStatus


class Due(NamedTuple):
    """What a client lacks of one type: resources, and what to tell of names without any."""

    resources: Selection
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


_NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class TypeState:
    """Where the conversation about one type stands."""

    type_url: str
    subscription: Subscription
    # Whether the client said that it had something when it came.
    is_resumed: bool
    # Whether an answer is due even if there is nothing to tell.
    must_answer: bool
    # Whether what it had is still to be found out (state of the world only).
    must_recall: bool = False
    # Names to answer for, even if the client has what they lead to, or they lead to nothing.
    asked: frozenset[str] = _NOBODY
    # Names to send once more, unless what they lead to was refused.
    again: frozenset[str] = _NOBODY
    nonce: str = ""
    # One response is in flight until the client answers it.
    in_flight: bool = False
    # The number of that response among all that began in the session.
    began: int = 0
    # What the client has by our count and still wants, accepted or not.
    sent: Selection = NOTHING
    # What the last response held, and what was refused together: a client stops at the first bad
    # resource of a response, so the good ones beside it may not have arrived either. Those that
    # were refused alone are bad themselves.
    last: Selection = NOTHING
    suspects: Mapping[str, Resource] = field(default_factory=dict)
    convicted: frozenset[str] = _NOBODY
    # Suspects to send once more, as another changed or went, which may have been the bad one.
    reopened: frozenset[str] = _NOBODY
    version_sent: str = ""
    version_acked: str = ""
    refusal: Refusal | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is due but what differs from what was sent."""
        return not (self.must_answer or self.asked or self.again or self.suspects)

    def begin(self, nonce: str, selection: Selection, wanted: Selection, due: Due) -> None:
        """Note that what is due, out of what is selected, is on its way.

        What is selected is what is wanted, and what is only kept for the client.
        """
        self.nonce = nonce
        self.in_flight = True
        self.must_answer = False
        self.sent = selection
        self.last = due.resources
        self.version_sent = selection.version
        # What is only kept for the client is gone already: that is told when it is taken away.
        self.again = _NOBODY
        answered = due.resources.resources
        if self.asked:
            self.asked = frozenset(
                name for name in self.asked if name in selection.resources and name not in answered
            )
        if self.suspects:
            left = self._suspects_in(wanted)
            self.reopened = self._reopened(left)
            self._suspect({name: each for name, each in left.items() if name not in answered})

    def keep(self, selection: Selection, wanted: Selection) -> None:
        """Note that the client has all of a selection, though it was another under which it came.

        What changed is not what it wants, or it had everything when it came.
        """
        if self.suspects:
            # What was refused may be gone, or given up.
            self._suspect(self._suspects_in(wanted))
            if not self.suspects:
                self.refusal = None
        self.reopened = _NOBODY
        if not selection.since(self.sent).gone:
            self.sent = selection
        if self.refusal is None and (self.nonce or self.is_resumed):
            self.version_sent = self.version_acked = selection.version

    def _suspect(self, suspects: Mapping[str, Resource]) -> None:
        self.suspects = suspects
        self.convicted &= suspects.keys()
        self.reopened &= suspects.keys()

    def _reopened(self, left: Mapping[str, Resource]) -> frozenset[str]:
        """Return the names to send once more, where these suspects are left as they were."""
        is_changed = len(left) < len(self.suspects)
        return frozenset(left) - self.convicted if is_changed else self.reopened

    def _suspects_in(self, wanted: Selection) -> Mapping[str, Resource]:
        """Return those suspects that are still wanted as they were refused."""
        return {
            name: each
            for name, each in self.suspects.items()
            if is_same(wanted.resources.get(name), each)
        }

    def settle(self, request: AnyRequest) -> None:
        """Take the answer to the last response: an ACK, or a NACK."""
        self.in_flight = False
        if request.error is None:
            self.version_acked = self.version_sent
            if not self.suspects:
                self.refusal = None
            return
        # What was refused counts as sent: it is not sent again until its content changes.
        refused = self.last.resources
        self.suspects = {**self.suspects, **refused}
        self.convicted -= refused.keys()
        if len(refused) == 1:
            self.convicted |= refused.keys()
        if self.refusal is None or self.refusal.version != self.version_sent:
            self.refusal = Refusal(self.version_sent, request.error, request.at)

    def is_refused(self, selection: Selection) -> bool:
        """Tell whether something in a selection was refused, and not accepted since."""
        if not self.suspects:
            return self.refusal is not None
        return any(
            is_same(selection.resources.get(name), each) for name, each in self.suspects.items()
        )

    def retried(self, wanted: Selection) -> Mapping[str, Resource]:
        """Return the suspects that may be accepted now.

        Each was refused beside others: what was refused alone is not sent until it changes itself.
        """
        left = self._suspects_in(wanted)
        names = self._reopened(left)
        return {name: each for name, each in left.items() if name in names}

    def status(self) -> TypeStatus:
        """Return what there is to tell about this type."""
        return TypeStatus(
            wildcard=self.subscription.wildcard,
            names=self.subscription.names,
            version_sent=self.version_sent,
            version_acked=self.version_acked,
            nonce=self.nonce,
            refusal=self.refusal,
        )


def is_same(one: Resource | None, other: Resource) -> bool:
    """Tell whether a resource is there in the same version as another."""
    return one is not None and one.version == other.version
