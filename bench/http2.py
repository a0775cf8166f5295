"""Know just enough HTTP/2 to carry one stream of gRPC messages on a connection of its own.

Frames are cut by hand and nothing is compressed, so that a thousand of these cost little.
https://www.rfc-editor.org/rfc/rfc9113 https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import socket
import struct
from abc import ABC, abstractmethod

DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
ACK, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 4, 5
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD, MESSAGE_HEAD = 9, 5
INITIAL_WINDOW, WINDOW = 65_535, (1 << 31) - 1
FRAME_SIZE = 16_384


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame: https://www.rfc-editor.org/rfc/rfc9113#section-4.1."""
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def headers(path: str) -> bytes:
    """Return request headers, as literals: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "xds",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    block = b"".join(
        b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
    return frame(HEADERS, END_HEADERS, 1, block)


class Call(ABC):
    """One gRPC call on a connection that never blocks."""

    def __init__(self, address: tuple[str, int], path: str) -> None:
        # How much may be sent on the connection, and on its stream.
        self._room = {0: INITIAL_WINDOW, 1: INITIAL_WINDOW}
        self._arrived = bytearray()
        self._message = bytearray()
        self._pending: list[bytes] = []
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        settings = struct.pack(">HIHI", INITIAL_WINDOW_SIZE, WINDOW, MAX_FRAME_SIZE, 1 << 20)
        # The window is as large as it can be: what arrives needs no word of ours for what follows.
        more = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - INITIAL_WINDOW))
        self._unsent = bytearray(PREFACE + frame(SETTINGS, 0, 0, settings) + more + headers(path))

    @abstractmethod
    def take(self, message: bytes) -> None:
        """Take a message."""

    @property
    def is_behind(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._unsent or self._pending)

    def send(self, message: bytes) -> None:
        """Send a message as soon as there is room."""
        self._pending.append(b"\x00" + struct.pack(">I", len(message)) + message)
        self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        while self._pending and (room := min(*self._room.values(), FRAME_SIZE)) > 0:
            chunk, rest = self._pending[0][:room], self._pending[0][room:]
            self._pending[:1] = [rest] if rest else []
            self._room = {stream: left - len(chunk) for stream, left in self._room.items()}
            self._unsent += frame(DATA, 0, 1, chunk)
        if self._unsent:
            try:
                del self._unsent[: self.socket.send(self._unsent)]
            except BlockingIOError:
                return

    def receive(self) -> None:
        """Take what has arrived."""
        data = self.socket.recv(1 << 18)
        if not data:
            message = "the server closed a connection"
            raise ConnectionError(message)
        self._arrived += data
        start = 0
        while len(self._arrived) - start >= FRAME_HEAD:
            head, flags, stream = struct.unpack_from(">IBI", self._arrived, start)
            end = start + FRAME_HEAD + (head >> 8)
            if len(self._arrived) < end:
                break
            payload = bytes(self._arrived[start + FRAME_HEAD : end])
            self._take_frame(head & 0xFF, flags, stream, payload)
            start = end
        del self._arrived[:start]
        self.flush()

    def _take_frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self._take_data(payload)
        elif kind == WINDOW_UPDATE:
            self._room[stream] += int.from_bytes(payload) & WINDOW
        elif kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == INITIAL_WINDOW_SIZE:
                    self._room[1] += value - INITIAL_WINDOW
            self._unsent += frame(SETTINGS, ACK, 0, b"")
        elif kind == PING and not flags & ACK:
            self._unsent += frame(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            message = f"the server went away: {payload!r}"
            raise ConnectionError(message)

    def _take_data(self, payload: bytes) -> None:
        self._message += payload
        while len(self._message) >= MESSAGE_HEAD:
            end = MESSAGE_HEAD + int.from_bytes(self._message[1:MESSAGE_HEAD])
            if len(self._message) < end:
                return
            message = bytes(self._message[MESSAGE_HEAD:end])
            del self._message[:end]
            self.take(message)
