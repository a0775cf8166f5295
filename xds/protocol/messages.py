"""Know what the requests and responses of the conversation say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from xds.selection import Selection
from xds.status import Node

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ProtocolError(Exception):
    """The client broke the protocol, and the stream can not go on; the text says how."""


# Named tuples, as each message makes one: frozen dataclasses take three times as long to make.


class Request(NamedTuple):
    """What a state-of-the-world client says: `names` is its whole wish for the type.

    `error` is its reason where this is a NACK, `at` when the request arrived.
    """

    type_url: str = ""
    nonce: str = ""
    error: str | None = None
    node: Node | None = None
    at: datetime = _UNKNOWN
    names: frozenset[str] = frozenset()
    version: str = ""


class DeltaRequest(NamedTuple):
    """What an incremental client says: how its wish changes, and what it has when it comes.

    `error` is its reason where this is a NACK, `at` when the request arrived.
    """

    type_url: str = ""
    nonce: str = ""
    error: str | None = None
    node: Node | None = None
    at: datetime = _UNKNOWN
    subscribe: frozenset[str] = frozenset()
    unsubscribe: frozenset[str] = frozenset()
    initial_versions: Mapping[str, str] = _NOTHING


AnyRequest: TypeAlias = Request | DeltaRequest


class Response(NamedTuple):
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
