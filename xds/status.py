"""Know what there is to tell about the clients of a server: who they are, what each has accepted.

The sessions and the server write it; whoever shows it to people only reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Variant = Literal["sotw", "delta"]


@dataclass(frozen=True, slots=True)
class Locality:
    """Where a client runs."""

    region: str = ""
    zone: str = ""
    sub_zone: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """How a client introduced itself; `version` reads like `envoy 1.40.0`."""

    id: str
    cluster: str = ""
    version: str = ""
    locality: Locality = Locality()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A NACK: the version that a client does not take, in the client's words why, since when."""

    version: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """Where the conversation about one type stands.

    `names` are those that the client asked for by name; `wildcard` says that it wants everything.
    Versions are "" until there is one. `refusal` is set from a NACK until what was
    refused, or what was published instead, is accepted.
    """

    wildcard: bool
    names: frozenset[str]
    version_sent: str
    version_acked: str
    nonce: str
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream: who is at its other end, since when, and how each type stands, by type URL.

    `service` is the type URL of a service for one type, "" for the aggregated one. `node` is None
    until the client has introduced itself.
    """

    peer: str
    variant: Variant
    service: str
    since: datetime
    node: Node | None
    types: Mapping[str, TypeStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """All streams of a server, the oldest first."""

    streams: tuple[StreamStatus, ...] = ()
