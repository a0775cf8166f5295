"""Know the life of one stream: one reader, one writer, one session."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from xds.protocol.messages import AnyRequest, Response
from xds.protocol.session import Session
from xds.server.transport import Encoder
from xds.status import StreamStatus
from xds.store import SnapshotStore

_log = structlog.get_logger("xds.server")

_REMEMBERED: Final = 10_000

R = TypeVar("R", bound=AnyRequest)


class Connection(Protocol):
    """The two directions of a stream, as a context of grpc.aio has them."""

    def peer(self) -> str:
        """Return where the client is."""

    async def read(self) -> object:
        """Return the next message from the client: bytes, or else it has said its last."""

    async def write(self, message: bytes) -> None:
        """Send a message, no sooner than the client makes room for it."""


@dataclass(frozen=True, slots=True)
class Language(Generic[R]):
    """How a variant speaks: the session that it makes, and its messages as bytes."""

    session: type[Session[R]]
    decode: Callable[[bytes, datetime], R]
    encoder: Encoder


class Memory:
    """Remembers some types of each node and service: of the latest, as there may be any number."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, service: str, node: str) -> frozenset[str]:
        """Return what was kept last of a node at a service."""
        return self._types.get((service, node), frozenset())

    def keep(self, service: str, node: str, types: frozenset[str]) -> None:
        """Keep these from now on."""
        self._types.pop((service, node), None)
        if types:
            self._types[service, node] = types
        if len(self._types) > _REMEMBERED:
            del self._types[next(iter(self._types))]


class Stream(Generic[R]):
    """Carries one session.

    One task takes requests and one takes snapshots, and each sends what that makes due before the
    other's turn comes. So a client that stops reading is no longer read either: it costs one
    pending state, whatever is published meanwhile, and then gets the latest.
    """

    def __init__(  # noqa: PLR0913  each is a part of its own
        self,
        connection: Connection,
        store: SnapshotStore,
        language: Language[R],
        *,
        service: str,
        hold: float,
        doubts: Memory,
    ) -> None:
        self._connection = connection
        self._store = store
        self._language = language
        self._service = service
        self._hold = hold
        self._patience: asyncio.TimerHandle | None = None
        # When what is held back began to be, by the session's number for it.
        self._holds: dict[int, float] = {}
        self._doubts = doubts
        self._session = language.session(
            store.current,
            known=store.known,
            doubts=partial(doubts.of, service),
            service=service,
        )
        self._served = store.current
        self._since = datetime.now(UTC)
        self._log: Any = _log
        self._turn = asyncio.Lock()
        self._woken = asyncio.get_running_loop().create_future()
        self._is_stopped = False

    def stop(self) -> None:
        """Make `run` return, as soon as it is not in the middle of a message."""
        self._is_stopped = True
        self._wake()

    def status(self) -> StreamStatus:
        """Return what there is to tell about the client."""
        return StreamStatus(
            peer=self._connection.peer(),
            variant=self._session.variant,
            service=self._service,
            since=self._since,
            node=self._session.node,
            types=self._session.status(),
        )

    async def run(self) -> bool:
        """Serve until the client has said its last (True) or `stop` was called (False).

        Raises xds.protocol.messages.ProtocolError where the client broke the protocol.
        """
        reading = asyncio.create_task(self._read())
        following = asyncio.create_task(self._follow())
        done: set[asyncio.Task[None]] = set()
        try:
            with self._store.follow(self._wake):
                done, _ = await asyncio.wait(
                    {reading, following}, return_when=asyncio.FIRST_COMPLETED
                )
            # A message that is being sent comes to its end: gRPC sends nothing beside it, not even
            # how the stream ended.
            async with self._turn:
                has_said_its_last = reading in done
                while done:
                    done.pop().result()
                return has_said_its_last
        finally:
            reading.cancel()
            following.cancel()
            # An error of theirs holds this frame, and what they read, which may be megabytes: it
            # must not hold itself, by the task that it is the error of, until the collector looks.
            del reading, following
            if self._patience is not None:
                self._patience.cancel()
            if self._session.node:
                self._doubts.keep(self._service, self._session.node.id, self._session.doubts)
                self._log.info("envoy disconnected")

    async def _read(self) -> None:
        """Take requests, and send what each makes due, until the client has said its last."""
        while isinstance(message := await self._connection.read(), bytes):
            request = self._language.decode(message, datetime.now(UTC))
            # Only what it says is kept until the next one: its bytes may hold a node of 60 KB.
            del message
            if self._turn.locked():
                # Whatever is being sent was due before what this makes due.
                async with self._turn:
                    await self._send(self._receive(request))
            elif responses := self._receive(request):
                async with self._turn:
                    await self._send(responses)
            else:
                self._watch_patience()

    async def _follow(self) -> None:
        """Send what snapshots and lost patience make due, until the stream is stopped."""
        while not self._is_stopped:
            async with self._turn:
                await self._send(self._news())
            await self._woken
            self._woken = asyncio.get_running_loop().create_future()

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)

    def _receive(self, request: R) -> list[Response]:
        known = self._session.node
        responses = self._session.receive(request)
        node = self._session.node
        if node is not None and known is None:
            # Bound once: structlog's own logger is made anew at each call.
            self._log = _log.bind(node=node.id)
            self._log.info("envoy connected", version=node.version)
        if request.error is not None:
            self._warn(request)
        return responses

    def _news(self) -> list[Response]:
        snapshot = self._store.current
        if snapshot is not None and snapshot is not self._served:
            self._served = snapshot
            return self._session.publish(snapshot)
        if overdue := self._overdue():
            return self._session.release(overdue)
        return []

    def _lose_patience(self) -> None:
        self._patience = None
        self._wake()

    def _watch_patience(self) -> None:
        """Bound how long each thing that is held back waits."""
        holds = self._session.holds
        if not holds and not self._holds:
            return
        now = asyncio.get_running_loop().time()
        self._holds = {hold: self._holds.get(hold, now) for hold in sorted(holds)}
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._holds:
            deadline = min(self._holds.values()) + self._hold
            self._patience = asyncio.get_running_loop().call_at(deadline, self._lose_patience)

    def _overdue(self) -> int:
        """Return the number of the youngest thing that was held back long enough; 0 if none."""
        now = asyncio.get_running_loop().time()
        return max(
            (each for each, began in self._holds.items() if began + self._hold <= now), default=0
        )

    async def _send(self, responses: Iterable[Response]) -> None:
        self._watch_patience()
        for response in responses:
            await self._connection.write(self._language.encoder.encode(response))
            self._log.debug(
                "sent",
                type=_short(response.type_url),
                version=response.version,
                resources=len(response.resources.resources),
                removed=len(response.removed),
            )

    def _warn(self, nack: AnyRequest) -> None:
        type_url = nack.type_url or self._service
        state = self._session.status()[type_url]
        self._log.warning(
            "envoy refused the configuration",
            type=_short(type_url),
            version=state.refusal.version if state.refusal else "",
            accepted_version=state.version_acked,
            reason=nack.error,
        )


def _short(type_url: str) -> str:
    return type_url.rsplit(".", 1)[-1]
