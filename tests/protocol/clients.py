"""Clients of a session that answer as Envoy does, and the words in which their stories are told."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Generic, TypeVar

from xds.protocol.delta import DeltaSession
from xds.protocol.messages import AnyRequest, DeltaRequest, Request, Response
from xds.protocol.session import Session
from xds.protocol.sotw import SotwSession
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
)
from xds.snapshot import Snapshot
from xds.status import Node
from xds.wire import references_pb2 as wire

MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
ENVOY = Node("envoy")
TYPES = (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

_WORDS = {
    CLUSTERS: "clusters",
    ENDPOINTS: "endpoints",
    LISTENERS: "listeners",
    ROUTES: "routes",
    EXTENSION_CONFIGS: "extensions",
    SCOPED_ROUTES: "scoped routes",
    SECRETS: "secrets",
    VIRTUAL_HOSTS: "hosts",
}


def snapshot(
    clusters: str = "", endpoints: str = "", listeners: str = "", routes: str = ""
) -> Snapshot:
    """Return a snapshot of resources written as `name=content name=content`."""
    return Snapshot.build(
        resource(type_url, *each.split("="))
        for type_url, text in zip(TYPES, (clusters, endpoints, listeners, routes), strict=True)
        for each in text.split()
    )


def resource(type_url: str, name: str, content: str) -> Resource:
    if type_url != CLUSTERS:
        return Resource(type_url, name, content.encode())
    # A real message, as the name of a cluster's load assignment is read from it.
    return Resource(
        CLUSTERS,
        name,
        b"\x0a%c%b\xe2\x01%c%b" % (len(name), name.encode(), len(content), content.encode()),
    )


def listener(name: str, *routes: str, content: str = "") -> Resource:
    """Return a listener that names route configurations; its content is any text."""
    ads = wire.ConfigSource(ads=wire.ConfigSource.Aggregated())
    managers = [
        wire.HttpConnectionManager(rds=wire.Rds(config_source=ads, route_config_name=each))
        for each in routes
    ]
    filters = [wire.Filter(name=content)]
    for manager in managers:
        filters.append(wire.Filter())
        filters[-1].typed_config.Pack(manager)
        filters[-1].typed_config.type_url = MANAGER
    message = wire.Listener(name=name, filter_chains=[wire.FilterChain(filters=filters)])
    return Resource(LISTENERS, name, message)


FLEET = snapshot("a=1 b=1", "a=1 b=1", "l=1", "r=1")

R = TypeVar("R", bound=AnyRequest)


class _Client(Generic[R]):
    """A client of one session."""

    def __init__(self, session: Session[R]) -> None:
        self.session = session
        self.last: dict[str, Response] = {}

    def publish(self, published: Snapshot) -> list[str]:
        return self.got(self.session.publish(published))

    def release(self) -> list[str]:
        return self.got(self.session.release())

    def nonce(self, type_url: str) -> str:
        last = self.last.get(type_url)
        return last.nonce if last else ""

    def got(self, responses: list[Response]) -> list[str]:
        """Return responses as `clusters: a b -removed ?missing`, and remember them by type."""
        for response in responses:
            self.last[response.type_url] = response
        return [
            " ".join(
                (
                    f"{_WORDS[response.type_url]}:",
                    *sorted(response.resources.resources),
                    *(f"-{name}" for name in response.removed),
                    *(f"?{name}" for name in response.missing),
                )
            )
            for response in responses
        ]

    def body(self, type_url: str, name: str) -> bytes:
        """Return what the last response of a type held under a name."""
        return self.last[type_url].resources.resources[name].body


class SotwClient(_Client[Request]):
    """A client that tells its whole wish each time."""

    def __init__(self, session: SotwSession) -> None:
        super().__init__(session)
        self.names: dict[str, frozenset[str]] = {}

    def ask(self, type_url: str, *names: str, version: str = "") -> list[str]:
        """Send the first request of a type, or one with other names."""
        self.names[type_url] = frozenset(names)
        return self.say(type_url, version=version)

    def say(
        self,
        type_url: str,
        *,
        error: str | None = None,
        version: str = "",
        nonce: str | None = None,
        at: datetime = NOON,
    ) -> list[str]:
        """Answer the last response of a type: an ACK, or a NACK with an error."""
        request = Request(
            type_url=type_url,
            names=self.names[type_url],
            nonce=self.nonce(type_url) if nonce is None else nonce,
            version=version,
            error=error,
            node=ENVOY,
            at=at,
        )
        return self.got(self.session.receive(request))


class DeltaClient(_Client[DeltaRequest]):
    """A client that tells how its wish changes."""

    def __init__(self, session: DeltaSession) -> None:
        super().__init__(session)

    def ask(self, type_url: str, *names: str, has: Mapping[str, str] | None = None) -> list[str]:
        """Subscribe to names without answering anything; say what the client brings along."""
        return self._send(type_url, names, (), "", None, has or {})

    def drop(self, type_url: str, *names: str) -> list[str]:
        """Unsubscribe from names without answering anything."""
        return self._send(type_url, (), names, "", None, {})

    def say(
        self,
        type_url: str,
        *,
        error: str | None = None,
        ask: tuple[str, ...] = (),
        drop: tuple[str, ...] = (),
        nonce: str | None = None,
        at: datetime = NOON,
    ) -> list[str]:
        """Answer the last response of a type: an ACK, or a NACK with an error."""
        answered = self.nonce(type_url) if nonce is None else nonce
        return self._send(type_url, ask, drop, answered, error, {}, at)

    def _send(  # noqa: PLR0917  the fields of a request
        self,
        type_url: str,
        subscribe: tuple[str, ...],
        unsubscribe: tuple[str, ...],
        nonce: str,
        error: str | None,
        has: Mapping[str, str],
        at: datetime = NOON,
    ) -> list[str]:
        request = DeltaRequest(
            type_url=type_url,
            subscribe=frozenset(subscribe),
            unsubscribe=frozenset(unsubscribe),
            initial_versions=has,
            nonce=nonce,
            error=error,
            node=ENVOY,
            at=at,
        )
        return self.got(self.session.receive(request))


def versions(published: Snapshot, type_url: str) -> dict[str, str]:
    """Return what a client brings along that has all of one type."""
    return {name: each.version for name, each in published.of_type(type_url).items()}


def sotw_envoy(published: Snapshot = FLEET) -> SotwClient:
    """Return a client that has everything of a snapshot, as Envoy asks for it."""
    client = SotwClient(SotwSession(published))
    client.ask(CLUSTERS)
    client.ask(ENDPOINTS, *published.of_type(ENDPOINTS))
    client.say(ENDPOINTS)
    client.say(CLUSTERS)
    client.ask(LISTENERS)
    client.ask(ROUTES, *published.of_type(ROUTES))
    client.say(LISTENERS)
    client.say(ROUTES)
    return client


def delta_envoy(published: Snapshot = FLEET) -> DeltaClient:
    """Return a client that has everything of a snapshot, as Envoy asks for it."""
    client = DeltaClient(DeltaSession(published))
    client.ask(CLUSTERS)
    client.ask(ENDPOINTS, *published.of_type(ENDPOINTS))
    client.say(ENDPOINTS)
    client.say(CLUSTERS)
    client.ask(LISTENERS)
    client.ask(ROUTES, *published.of_type(ROUTES))
    client.say(LISTENERS)
    client.say(ROUTES)
    return client
