"""Know what the requests and responses of the conversation say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from xds.selection import Selection
from xds.status import Node

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)


class ProtocolError(Exception):
    """The client broke the protocol, and the stream can not go on; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyRequest:
    """What a client says in either variant.

    `error` is its reason where this is a NACK, `at` when the request arrived.
    """

    type_url: str = ""
    nonce: str = ""
    error: str | None = None
    node: Node | None = None
    at: datetime = _UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(AnyRequest):
    """What a state-of-the-world client says: `names` is its whole wish for the type."""

    names: frozenset[str] = frozenset()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaRequest(AnyRequest):
    """What an incremental client says: how its wish changes, and what it has when it comes."""

    subscribe: frozenset[str] = frozenset()
    unsubscribe: frozenset[str] = frozenset()
    initial_versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What to send next, under a nonce of this stream.

    `version` is that of all the client will have of the type. Only the incremental variant sends
    names that were `removed`, and names that were asked for and are `missing`.
    """

    type_url: str
    version: str
    nonce: str
    resources: Selection
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
