"""A client that speaks HTTP/2 from the first byte, without TLS, and asks many things at once."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded


@dataclass
class Reply:
    """What came back on one stream."""

    status: int = 0
    body: bytes = b""
    is_whole: bool = False


async def ask_all(authority: str, bodies: Sequence[Mapping[str, str]]) -> list[Reply]:
    """Send a request for each body on one connection, and return the replies in their order."""
    host, _, port = authority.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = H2Connection()
    connection.initiate_connection()
    unsent = {_begin(connection, authority): json.dumps(body).encode() for body in bodies}
    replies = {stream: Reply() for stream in unsent}
    while not all(reply.is_whole for reply in replies.values()):
        for stream in tuple(unsent):
            unsent[stream] = _send(connection, stream, unsent[stream])
            if not unsent[stream]:
                del unsent[stream]
        writer.write(connection.data_to_send())
        received = await reader.read(1 << 16)
        assert received, replies
        for event in connection.receive_data(received):
            _take(event, replies, connection)
    writer.close()
    await writer.wait_closed()
    return list(replies.values())


def _begin(connection: H2Connection, authority: str) -> int:
    stream = connection.get_next_available_stream_id()
    headers = [
        *((":method", "POST"), (":path", "/v1/chat/completions"), (":scheme", "http")),
        *((":authority", authority), ("content-type", "application/json")),
    ]
    connection.send_headers(stream, headers)
    return stream


def _send(connection: H2Connection, stream: int, body: bytes) -> bytes:
    """Send as much of a body as there is room for, and return the rest."""
    while body and (room := connection.local_flow_control_window(stream)):
        piece = body[: min(room, connection.max_outbound_frame_size)]
        body = body[len(piece) :]
        connection.send_data(stream, piece, end_stream=not body)
    return body


def _take(event: Event, replies: Mapping[int, Reply], connection: H2Connection) -> None:
    if isinstance(event, ResponseReceived):
        replies[event.stream_id].status = int(dict(event.headers)[b":status"])
    elif isinstance(event, DataReceived):
        replies[event.stream_id].body += event.data
        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, StreamEnded):
        replies[event.stream_id].is_whole = True
