"""Know what a request and a response of the conversation say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xds.resources import Resource


class ProtocolError(Exception):
    """The client broke the protocol, and the stream can not go on; the text says how."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a state-of-the-world client said.

    `names` is its whole wish for the type; `error` is Envoy's reason where this is a NACK.
    """

    type_url: str
    names: frozenset[str] = frozenset()
    nonce: str = ""
    version: str = ""
    error: str | None = None
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What to send next: resources by name, at the type's version, under a nonce of this stream."""

    type_url: str
    version: str
    nonce: str
    resources: Mapping[str, Resource] = field(default_factory=dict)
