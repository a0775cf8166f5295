"""Whatever happens between a server and a client, the client ends with what it subscribed to."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from xds.protocol.messages import Request, Response
from xds.protocol.sotw import Session
from xds.resources import CLUSTERS, COMPLETE_TYPES, ENDPOINTS, LISTENERS, ORDER, ROUTES, Resource
from xds.snapshot import Snapshot

NAMES = ("a", "b", "c")
BAD = "bad"


def snapshot(fleet: dict[str, str], routes: str) -> Snapshot:
    """Return clusters that all have a load assignment, one listener, and routes to the clusters."""
    resources = [Resource(LISTENERS, "l", b"1"), Resource(ROUTES, "r", f"{routes}{fleet}".encode())]
    for name, content in fleet.items():
        encoded = b"\x0a\x01" + name.encode() + b"\xe2\x01" + bytes([len(content)])
        resources.append(Resource(CLUSTERS, name, encoded + content.encode()))
        resources.append(Resource(ENDPOINTS, name, content.encode()))
    return Snapshot.build(resources)


snapshots = st.builds(
    snapshot,
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("1", "2", BAD))),
    st.sampled_from(("1", "2", BAD)),
)
good_snapshots = st.builds(
    snapshot,
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("1", "2"))),
    st.sampled_from(("1", "2")),
)
types = st.sampled_from(ORDER)


class Conversation(RuleBasedStateMachine):
    """A client like Envoy: everything of clusters and listeners, and what those name."""

    def __init__(self) -> None:
        super().__init__()
        self.published: Snapshot | None = None
        self.held: dict[str, dict[str, Resource]] = {url: {} for url in ORDER}
        self.versions = dict.fromkeys(ORDER, "")
        self.connect()

    def connect(self) -> None:
        self.session = Session(self.published)
        self.arriving: deque[Response] = deque()
        self.nonces = dict.fromkeys(ORDER, "")
        self.asked: dict[str, frozenset[str]] = {}
        self.unanswered = dict.fromkeys(ORDER, 0)
        for type_url in ORDER:
            self.ask(type_url)

    def wanted(self, type_url: str) -> frozenset[str]:
        if type_url == ENDPOINTS:
            return frozenset(self.held[CLUSTERS])
        if type_url == ROUTES:
            return frozenset({"r"} if self.held[LISTENERS] else ())
        return frozenset()

    def ask(self, type_url: str, error: str | None = None, nonce: str | None = None) -> None:
        self.asked[type_url] = self.wanted(type_url)
        request = Request(
            type_url,
            names=self.asked[type_url],
            nonce=self.nonces[type_url] if nonce is None else nonce,
            version=self.versions[type_url],
            error=error,
            node_id="envoy",
        )
        self.take(self.session.receive(request))

    def take(self, responses: list[Response]) -> None:
        for response in responses:
            self.unanswered[response.type_url] += 1
            self.arriving.append(response)

    @rule(published=snapshots)
    def publish(self, published: Snapshot) -> None:
        self.published = published
        self.take(self.session.publish(published))

    @rule()
    def publish_the_same(self) -> None:
        if self.published is not None:
            assert self.session.publish(self.published) == []

    @precondition(lambda self: self.arriving)
    @rule()
    def hear(self) -> None:
        response = self.arriving.popleft()
        type_url = response.type_url
        self.nonces[type_url] = response.nonce
        self.unanswered[type_url] -= 1
        if any(BAD.encode() in resource.body for resource in response.resources.values()):
            before = len(self.arriving)
            self.ask(type_url, error="bad")
            again = [each for each in list(self.arriving)[before:] if each.type_url == type_url]
            # Only what changed while the refused response was on its way.
            assert all(self.is_new(each, response) for each in again)
            return
        self.versions[type_url] = response.version
        if type_url in COMPLETE_TYPES:
            self.held[type_url] = dict(response.resources)
        else:
            self.held[type_url] |= response.resources
        self.ask(type_url)
        for dependent in (ENDPOINTS, ROUTES):
            if self.asked[dependent] != self.wanted(dependent):
                self.ask(dependent)
        for name in self.held[ENDPOINTS].keys() - self.wanted(ENDPOINTS):
            del self.held[ENDPOINTS][name]

    @staticmethod
    def is_new(response: Response, refused: Response) -> bool:
        return response.resources != refused.resources

    @rule(type_url=types)
    def speak_too_late(self, type_url: str) -> None:
        if self.unanswered[type_url]:
            self.ask(type_url, nonce="of long ago")

    @rule()
    def ask_for_endpoints_again(self) -> None:
        if not self.unanswered[ENDPOINTS]:
            self.ask(ENDPOINTS)

    @rule()
    def reconnect(self) -> None:
        self.connect()

    @rule()
    def lose_patience(self) -> None:
        self.take(self.session.release())

    @invariant()
    def one_response_of_a_type_is_in_flight(self) -> None:
        assert all(count <= 1 for count in self.unanswered.values())

    @rule(published=good_snapshots)
    def settle(self, published: Snapshot) -> None:
        self.publish(published)
        for _ in range(200):
            if not self.arriving:
                break
            self.hear()
        assert not self.arriving
        for type_url in ORDER:
            assert self.held[type_url] == {
                name: resource
                for name, resource in published.of_type(type_url).items()
                if type_url in COMPLETE_TYPES or name in self.wanted(type_url)
            }, type_url


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
