"""Whatever happens in the incremental variant, the client ends with what it subscribed to."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from protocol.clients import ENVOY, TYPES
from protocol.histories import NAMES, History, is_bad
from xds.protocol.delta import DeltaSession
from xds.protocol.messages import DeltaRequest, Response
from xds.resources import CLUSTERS, COMPLETE_TYPES, ENDPOINTS, ROUTES

names = st.sampled_from((*NAMES, "missing"))


class DeltaHistory(History[DeltaRequest]):
    """An Envoy that subscribes to all clusters, at times to some by name, too, or only to those."""

    def restart(self) -> None:
        self.wildcard = True
        self.named: set[str] = set()
        super().restart()

    def open(self) -> None:
        self.session = DeltaSession(self.store.current, known=self.store.known)
        self.subscribed: dict[str, frozenset[str]] = {}

    def introduce(self, type_url: str) -> None:
        has = {name: each.version for name, each in self.held[type_url].items()}
        self.subscribed[type_url] = self.needed(type_url)
        subscribe = self.subscribed[type_url]
        if type_url == CLUSTERS and (self.named or not self.wildcard):
            subscribe = frozenset(self.named | ({"*"} if self.wildcard else set()))
        self.send(DeltaRequest(type_url=type_url, subscribe=subscribe, initial_versions=has))

    def send(self, request: DeltaRequest) -> None:
        if request.subscribe or request.unsubscribe:
            self.asked.add(request.type_url)
        self.take(self.session.receive(request._replace(node=ENVOY)))

    def answer(self, response: Response, error: str | None = None) -> None:
        self.send(DeltaRequest(type_url=response.type_url, nonce=response.nonce, error=error))

    def follow(self) -> None:
        for type_url in (ENDPOINTS, ROUTES):
            before = self.subscribed.get(type_url)
            if before is None:
                continue
            needed = self.subscribed[type_url] = self.needed(type_url)
            if needed != before:
                for name in before - needed:
                    self.lose(type_url, name)
                self.send(
                    DeltaRequest(
                        type_url=type_url, subscribe=needed - before, unsubscribe=before - needed
                    )
                )

    def apply(self, response: Response, *, partly: bool) -> None:
        type_url = response.type_url
        resources = response.resources.resources
        assert not resources.keys() & {*response.removed, *response.missing}
        assert not set(response.removed) & set(response.missing)
        assert all(each.body for each in resources.values())
        is_refused = any(map(is_bad, resources.values()))
        for name, each in resources.items():
            is_taken = type_url in COMPLETE_TYPES or partly or not is_refused
            if is_taken and self.wants(type_url, name) and not is_bad(each):
                self.renew(type_url, each)
        for name in (*response.removed, *response.missing):
            self.lose(type_url, name)

    def wants(self, type_url: str, name: str) -> bool:
        if type_url == CLUSTERS:
            return self.wildcard or name in self.named
        return type_url not in self.subscribed or (
            type_url in COMPLETE_TYPES or name in self.subscribed[type_url]
        )

    def wish(self, subscribe: set[str], unsubscribe: set[str]) -> None:
        """Change the wish for clusters, and give up what is no longer wanted."""
        self.send(
            DeltaRequest(
                type_url=CLUSTERS,
                subscribe=frozenset(subscribe),
                unsubscribe=frozenset(unsubscribe),
            )
        )
        for name in NAMES:
            if not self.wants(CLUSTERS, name):
                self.given_up.add(name)
                self.lose(CLUSTERS, name)
        self.follow()
        self.warm()

    @precondition(lambda self: CLUSTERS in self.subscribed)
    @rule(name=names)
    def ask_by_name(self, name: str) -> None:
        self.named.add(name)
        self.wish({name}, set())

    @precondition(lambda self: CLUSTERS in self.subscribed)
    @rule(name=names)
    def give_up_name(self, name: str) -> None:
        self.named.discard(name)
        self.wish(set(), {name})

    @precondition(lambda self: CLUSTERS in self.subscribed)
    @rule()
    def ask_for_everything(self) -> None:
        self.wildcard = True
        self.wish({"*"}, set())

    @precondition(lambda self: CLUSTERS in self.subscribed)
    @rule()
    def give_up_everything(self) -> None:
        self.wildcard = False
        self.wish(set(), {"*"})

    @rule(type_url=st.sampled_from(TYPES), is_error=st.booleans())
    def speak_too_late(self, type_url: str, *, is_error: bool) -> None:
        if type_url in self.subscribed:
            error = "bad" if is_error else None
            self.send(DeltaRequest(type_url=type_url, nonce="of long ago", error=error))


TestDeltaHistory = DeltaHistory.TestCase
TestDeltaHistory.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
