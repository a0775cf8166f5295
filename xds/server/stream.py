"""Know the life of one ADS stream: one reader, one writer, one session."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from xds.protocol.messages import Request, Response
from xds.protocol.sotw import Session
from xds.server.transport import discovery_response, request
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

_log = structlog.get_logger("xds.server")


class Connection(Protocol):
    """The two directions of a stream; `read` returns None once the client has said its last."""

    async def read(self) -> wire.DiscoveryRequest | None:
        """Return the next message from the client."""

    async def write(self, message: wire.DiscoveryResponse) -> None:
        """Send a message, no sooner than the client makes room for it."""


class Stream:
    """Carries one session.

    Requests are read and responses written in one loop, so a client that stops reading is no
    longer read either: it costs one pending state, whatever is published meanwhile.
    """

    def __init__(
        self, connection: Connection, store: SnapshotStore, *, identifier: str, hold: float
    ) -> None:
        self._connection = connection
        self._store = store
        self._identifier = identifier
        self._hold = hold
        self._held_until: float | None = None
        self._session = Session(store.current)
        self._served = store.current
        self._wake = asyncio.Event()
        self._is_stopped = False

    def stop(self) -> None:
        """Make `run` return, as soon as it is not in the middle of a message."""
        self._is_stopped = True
        self._wake.set()

    async def run(self) -> bool:
        """Serve until the client has said its last (True) or `stop` was called (False).

        Raises xds.protocol.messages.ProtocolError where the client broke the protocol.
        """
        reading = asyncio.ensure_future(self._connection.read())
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            with self._store.follow(self._wake.set):
                while True:
                    done, _ = await asyncio.wait(
                        {reading, waking},
                        timeout=self._patience(),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    if self._is_stopped:
                        return False
                    if not done:
                        await self._send(self._session.release())
                    if waking in done:
                        self._wake.clear()
                        waking = asyncio.ensure_future(self._wake.wait())
                        await self._publish()
                    if reading in done:
                        message = reading.result()
                        if message is None:
                            return True
                        await self._receive(request(message))
                        reading = asyncio.ensure_future(self._connection.read())
        finally:
            reading.cancel()
            waking.cancel()
            if node_id := self._session.node_id:
                _log.info("envoy disconnected", node=node_id)

    def _patience(self) -> float | None:
        """Return how long what is held back may wait yet, in seconds; None if nothing is."""
        if not self._session.is_holding:
            self._held_until = None
            return None
        now = asyncio.get_running_loop().time()
        if self._held_until is None:
            self._held_until = now + self._hold
        return max(0.0, self._held_until - now)

    async def _receive(self, received: Request) -> None:
        known = self._session.node_id
        responses = self._session.receive(received)
        if not known:
            _log.info("envoy connected", node=self._session.node_id)
        if received.error is not None:
            _log.warning(
                "envoy refused the configuration",
                node=self._session.node_id,
                type=_short(received.type_url),
                accepted_version=received.version,
                reason=received.error,
            )
        await self._send(responses)

    async def _publish(self) -> None:
        snapshot = self._store.current
        if snapshot is not None and snapshot is not self._served:
            self._served = snapshot
            await self._send(self._session.publish(snapshot))

    async def _send(self, responses: Iterable[Response]) -> None:
        for response in responses:
            await self._connection.write(discovery_response(response, self._identifier))
            _log.debug(
                "sent",
                node=self._session.node_id,
                type=_short(response.type_url),
                version=response.version,
                resources=len(response.resources),
            )


def _short(type_url: str) -> str:
    return type_url.rsplit(".", 1)[-1]
