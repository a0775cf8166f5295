"""A client that speaks HTTP/2 frame by frame, for what gRPC's own client never does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import h2.config
import h2.connection
import h2.events
import h2.settings

from server.clients import PATIENCE

E = TypeVar("E", bound=h2.events.Event)

_GOAWAY = 7


class Http2:
    """One connection, and every event on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._events: list[h2.events.Event] = []
        self.sent_away: bytes | None = None
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration())

    async def flush(self) -> None:
        """Send what the connection was told to."""
        self._writer.write(self.connection.data_to_send())
        await self._writer.drain()

    async def until(self, kind: type[E], holds: Callable[[E], bool] = lambda _: True) -> E:
        """Return the next event of a kind for which something holds, and forget those before."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self._events:
                    event = self._events.pop(0)
                    if isinstance(event, kind) and holds(event):
                        return event
                assert self.sent_away is None, self.sent_away
                await self._receive()

    async def until_sent_away(self) -> bytes:
        """Return the words of the GOAWAY that comes."""
        async with asyncio.timeout(PATIENCE):
            while self.sent_away is None:
                await self._receive()
        return self.sent_away

    async def _receive(self) -> None:
        header = await self._reader.readexactly(9)
        body = await self._reader.readexactly(int.from_bytes(header[:3], "big"))
        if header[3] != _GOAWAY:
            self._events += self.connection.receive_data(header + body)
            await self.flush()
        elif any(body[4:8]):
            # One without an error only says that there will be no new streams. h2 would make an end
            # of the old ones, too.
            self.sent_away = body[8:]

    async def call(self, path: str, *messages: bytes) -> int:
        """Open a stream that gRPC serves, send messages on it, and return its number."""
        stream = self.connection.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "xds"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        self.connection.send_headers(stream, headers)
        for message in messages:
            self.connection.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
        await self.flush()
        return stream

    async def ping(self, number: int) -> None:
        """Send a ping, and return when it is acknowledged."""
        data = number.to_bytes(8, "big")
        self.connection.ping(data)
        await self.flush()
        await self.until(h2.events.PingAckReceived, lambda event: event.ping_data == data)

    async def is_welcome(self) -> None:
        """Show, by an answer that is to no ping, that the last ping was not too many."""
        self.connection.update_settings({})
        await self.flush()
        await self.until(h2.events.SettingsAcknowledged)


@asynccontextmanager
async def http2(address: str, *, window: int | None = None) -> AsyncIterator[Http2]:
    """Connect to a server, which may send `window` bytes on each stream."""
    host, _, port = address.rpartition(":")
    client = Http2(*await asyncio.open_connection(host, int(port)))
    try:
        if window is not None:
            code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
            client.connection.local_settings = h2.settings.Settings(
                client=True, initial_values={code: window}
            )
        client.connection.initiate_connection()
        await client.flush()
        await client.until(h2.events.SettingsAcknowledged)
        yield client
    finally:
        client._writer.close()
        await client._writer.wait_closed()
