"""What may happen between a server and an Envoy, in any order, and what must hold all the time."""

from abc import abstractmethod
from collections import deque
from typing import Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.clients import TYPES, listener, resource
from xds.protocol.messages import AnyRequest, Response
from xds.protocol.session import Session
from xds.references import references
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

NAMES = ("a", "b", "c")
ROUTE_NAMES = frozenset({"q", "r"})
# A listener that comes and goes beside the one that is always there.
OTHER = "m"
BAD = "bad"

R = TypeVar("R", bound=AnyRequest)


def clusters_of(routes: Resource) -> set[str]:
    """Return the clusters that routes name: they are written as `content cluster cluster`."""
    return set(routes.body.decode().split()[1:])


@st.composite
def snapshots(draw: st.DrawFn, contents: tuple[str, ...] = ("1", "2", BAD)) -> Snapshot:
    """Return clusters, some without load assignments, listeners, and routes to these clusters."""
    content = st.sampled_from(contents)
    clusters = draw(st.dictionaries(st.sampled_from(NAMES), content))
    assignments = {name: draw(content) for name in clusters if draw(st.integers(0, 9))}
    named = st.lists(st.sampled_from(sorted(clusters)), unique=True) if clusters else st.just([])
    routes = {name: " ".join((draw(content), *draw(named))) for name in sorted(ROUTE_NAMES)}
    some = st.sets(st.sampled_from(sorted(ROUTE_NAMES)), min_size=1).map(sorted)
    listeners = ["l", *([OTHER] if draw(st.booleans()) else [])]
    return Snapshot.build(
        [
            *(resource(CLUSTERS, *each) for each in clusters.items()),
            *(resource(ENDPOINTS, *each) for each in assignments.items()),
            *(listener(name, *draw(some), content=draw(content)) for name in listeners),
            *(resource(ROUTES, *each) for each in routes.items()),
        ]
    )


def is_bad(one: Resource) -> bool:
    return BAD.encode() in one.body


class History(RuleBasedStateMachine, Generic[R]):
    """An Envoy, as far as both variants have it alike.

    It warms a changed cluster until a load assignment arrives, and answers for its clusters only
    then. Of a response with something bad in it, it takes the good clusters and listeners, and of
    other types perhaps some.
    """

    session: Session[R]

    def __init__(self) -> None:
        super().__init__()
        self.store = SnapshotStore()
        self.restart()

    @abstractmethod
    def open(self) -> None:
        """Make a new session and forget what belonged to the last one."""

    @abstractmethod
    def introduce(self, type_url: str) -> None:
        """Send the first request of a type on a stream."""

    @abstractmethod
    def answer(self, response: Response, error: str | None = None) -> None:
        """Send an ACK or a NACK."""

    @abstractmethod
    def follow(self) -> None:
        """Ask for the load assignments and routes that clusters and listeners now name."""

    @abstractmethod
    def apply(self, response: Response, *, partly: bool) -> None:
        """Take from a response what a client takes."""

    @abstractmethod
    def wants(self, type_url: str, name: str) -> bool:
        """Tell whether the client is subscribed to a resource, as it stands."""

    def restart(self) -> None:
        self.held: dict[str, dict[str, Resource]] = {url: {} for url in TYPES}
        self.warming: set[str] = set()
        # Clusters that were sent and not taken back: a refused one is the client's own affair.
        self.reached: set[str] = set()
        # Clusters that the client itself does not want, or wants again.
        self.given_up: set[str] = set()
        # After patience was lost, requests may be.
        self.is_excused = False
        self.connect()

    def connect(self) -> None:
        self.arriving: deque[Response] = deque()
        self.unanswered = dict.fromkeys(TYPES, 0)
        self.withheld: Response | None = None
        self.unasked = list(TYPES)
        # Types for which the client asked for more since the last response was sent.
        self.asked: set[str] = set()
        self.open()

    def take(self, responses: list[Response]) -> None:
        for response in responses:
            self.asked.discard(response.type_url)
            self.unanswered[response.type_url] += 1
            self.arriving.append(response)

    def needed(self, type_url: str) -> frozenset[str]:
        """Return the names that follow from what the client holds."""
        if type_url == ENDPOINTS:
            return frozenset(self.held[CLUSTERS])
        if type_url != ROUTES:
            return frozenset()
        named = map(references, self.held[LISTENERS].values())
        return frozenset(each.name for names in named for each in names)

    def renew(self, type_url: str, one: Resource) -> None:
        """Take one good resource."""
        before = self.held[type_url].get(one.name)
        self.held[type_url][one.name] = one
        if type_url == CLUSTERS and (before is None or before.body != one.body):
            self.warming.add(one.name)

    def lose(self, type_url: str, name: str) -> None:
        self.held[type_url].pop(name, None)
        if type_url == CLUSTERS:
            self.warming.discard(name)
            self.reached.discard(name)
            self.held[ENDPOINTS].pop(name, None)

    @rule(published=snapshots())
    def publish(self, published: Snapshot) -> None:
        self.store.publish(published)
        self.take(self.session.publish(published))

    @rule()
    def publish_the_same(self) -> None:
        if self.store.current is not None:
            assert self.session.publish(self.store.current) == []

    @precondition(lambda self: self.unasked)
    @rule()
    def ask_next(self) -> None:
        self.introduce(self.unasked.pop(0))

    @precondition(lambda self: self.arriving)
    @rule(partly=st.booleans())
    def hear(self, *, partly: bool = False) -> None:
        response = self.arriving.popleft()
        type_url = response.type_url
        resources = response.resources.resources
        if type_url == CLUSTERS:
            arrived = {name for name in resources if self.wants(CLUSTERS, name)}
            self.reached |= arrived
            self.given_up -= arrived
        self.apply(response, partly=partly)
        if type_url == ENDPOINTS:
            self.warming -= resources.keys() | set(response.removed) | set(response.missing)
        self.follow()
        if any(map(is_bad, resources.values())):
            self.refuse(response)
        elif type_url == CLUSTERS and self.warming:
            self.withheld = response
        else:
            self.unanswered[type_url] -= 1
            self.answer(response)
        self.warm()

    def give_up_warming(self) -> None:
        """Do as Envoy after 15 s without a load assignment, as for one that is gone already."""
        self.warming.clear()
        self.warm()

    def warm(self) -> None:
        if self.withheld and not self.warming:
            warmed, self.withheld = self.withheld, None
            self.unanswered[CLUSTERS] -= 1
            self.answer(warmed)

    def refuse(self, response: Response) -> None:
        self.unanswered[response.type_url] -= 1
        before = len(self.arriving)
        is_asked = response.type_url in self.asked
        self.answer(response, error="bad")
        # Only what changed while the refused response was on its way.
        for again in list(self.arriving)[before:]:
            assert (
                is_asked
                or again.type_url != response.type_url
                or again.resources.resources != response.resources.resources
            )

    @rule()
    def lose_patience(self) -> None:
        self.is_excused = True
        self.take(self.session.release())

    @rule()
    def come_back(self) -> None:
        self.connect()

    @rule()
    def come_back_empty(self) -> None:
        self.restart()

    @invariant()
    def one_response_of_a_type_is_in_flight(self) -> None:
        assert all(count <= 1 for count in self.unanswered.values())

    @invariant()
    def clusters_that_are_in_use_are_there(self) -> None:
        used = set().union(*map(clusters_of, self.held[ROUTES].values()))
        assert self.is_excused or used - self.given_up <= self.reached

    def waited_for(self, published: Snapshot) -> set[str]:
        """Return the clusters whose warming must end without the client giving it up."""
        return set(published.of_type(CLUSTERS))

    def told(self, type_url: str) -> dict[str, Resource]:
        """Return what the client holds, as far as the server could tell it that it is gone."""
        return self.held[type_url]

    @rule(published=snapshots(contents=("1", "2")))
    def settle(self, published: Snapshot) -> None:
        self.publish(published)
        for _ in range(200):
            if self.unasked:
                self.ask_next()
            elif self.arriving:
                self.hear()
            elif self.warming - self.waited_for(published):
                self.give_up_warming()
            else:
                break
        assert not self.arriving
        assert not self.warming
        assert not self.session.is_holding
        for type_url in TYPES:
            assert self.told(type_url) == {
                name: each
                for name, each in published.of_type(type_url).items()
                if self.wants(type_url, name)
            }, type_url
        assert self.session.publish(published) == self.session.release() == []
        self.is_excused = False
