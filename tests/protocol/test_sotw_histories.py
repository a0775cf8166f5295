"""Whatever happens in the state of the world, the client ends with what it subscribed to."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from protocol.clients import ENVOY, TYPES
from protocol.histories import NAMES, History, is_bad
from xds.protocol.messages import Request, Response
from xds.protocol.sotw import SotwSession
from xds.resources import CLUSTERS, COMPLETE_TYPES, ENDPOINTS, ROUTES, Resource
from xds.snapshot import Snapshot

wishes = st.sets(st.sampled_from((*NAMES, "missing", "*")), max_size=3).map(frozenset)


class SotwHistory(History[Request]):
    """An Envoy that subscribes to all clusters, at times to some by name, too, or only to those."""

    def restart(self) -> None:
        self.wish: frozenset[str] = frozenset()
        self.wildcard = True
        self.versions = dict.fromkeys(TYPES, "")
        super().restart()

    def open(self) -> None:
        doubts = self.session.doubts if hasattr(self, "session") else frozenset()
        self.session = SotwSession(
            self.store.current, known=self.store.known, doubts=lambda _: doubts
        )
        self.nonces = dict.fromkeys(TYPES, "")
        self.subscribed: dict[str, frozenset[str]] = {}
        # On a new stream, no names are all names. Who wanted nothing has no version of these.
        if not self.wildcard and not self.wish:
            self.wildcard = True
            self.versions[CLUSTERS] = ""

    def introduce(self, type_url: str) -> None:
        self.subscribed[type_url] = self.needed(type_url)
        self.send(type_url)

    def send(self, type_url: str, error: str | None = None, nonce: str | None = None) -> None:
        request = Request(
            type_url=type_url,
            names=self.wish if type_url == CLUSTERS else self.subscribed[type_url],
            nonce=self.nonces[type_url] if nonce is None else nonce,
            version=self.versions[type_url],
            error=error,
            node=ENVOY,
        )
        self.take(self.session.receive(request))

    def answer(self, response: Response, error: str | None = None) -> None:
        self.nonces[response.type_url] = response.nonce
        self.send(response.type_url, error)

    def follow(self) -> None:
        for type_url in (ENDPOINTS, ROUTES):
            before = self.subscribed.get(type_url)
            if before is None:
                continue
            needed = self.subscribed[type_url] = self.needed(type_url)
            if needed != before:
                for name in before - needed:
                    self.lose(type_url, name)
                self.asked.add(type_url)
                self.send(type_url)

    def apply(self, response: Response, *, partly: bool) -> None:
        type_url = response.type_url
        resources = response.resources.resources
        assert response.removed == response.missing == ()
        is_refused = any(map(is_bad, resources.values()))
        if not is_refused:
            # From now on, though the ACK is withheld while clusters warm.
            self.versions[type_url] = response.version
        for name, each in resources.items():
            is_taken = type_url in COMPLETE_TYPES or partly or not is_refused
            if is_taken and self.wants(type_url, name) and not is_bad(each):
                self.renew(type_url, each)
        if type_url in COMPLETE_TYPES:
            for name in {*self.held[type_url], *self.reached} - resources.keys():
                self.lose(type_url, name)

    def wants(self, type_url: str, name: str) -> bool:
        if type_url == CLUSTERS:
            return self.wildcard or name in self.wish
        return type_url in COMPLETE_TYPES or name in self.subscribed[type_url]

    def waited_for(self, published: Snapshot) -> set[str]:
        # This variant has no word for a load assignment that is not there.
        return super().waited_for(published) & published.of_type(ENDPOINTS).keys()

    def told(self, type_url: str) -> dict[str, Resource]:
        held = super().told(type_url)
        if type_url != ENDPOINTS or self.store.current is None:
            return held
        there = self.store.current.of_type(ENDPOINTS)
        return {name: each for name, each in held.items() if name in there}

    @precondition(lambda self: CLUSTERS in self.subscribed)
    @rule(wish=wishes)
    def want(self, wish: frozenset[str]) -> None:
        if wish or self.wish:
            self.wildcard = "*" in wish
        self.wish = wish
        self.asked.add(CLUSTERS)
        self.send(CLUSTERS)
        for name in NAMES:
            if not self.wants(CLUSTERS, name):
                self.given_up.add(name)
                self.lose(CLUSTERS, name)
        self.follow()
        self.warm()

    @precondition(lambda self: ENDPOINTS in self.subscribed)
    @rule()
    def ask_for_endpoints_again(self) -> None:
        self.asked.add(ENDPOINTS)
        self.send(ENDPOINTS)

    @rule(type_url=st.sampled_from(TYPES), is_error=st.booleans())
    def speak_too_late(self, type_url: str, *, is_error: bool) -> None:
        if type_url in self.subscribed:
            self.send(type_url, "bad" if is_error else None, nonce="of long ago")


TestSotwHistory = SotwHistory.TestCase
TestSotwHistory.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
