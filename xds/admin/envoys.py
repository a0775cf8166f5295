"""Know how the clients of the server look as plain values."""

from collections.abc import Mapping
from typing import Any

from xds.resources import kind
from xds.status import Node, Status, StreamStatus, TypeStatus


def as_json(status: Status) -> list[Mapping[str, Any]]:
    """Return one entry for each stream, the oldest first; times are in UTC."""
    return [_stream(stream) for stream in status.streams]


def _stream(stream: StreamStatus) -> Mapping[str, Any]:
    return {
        "node": stream.node and _node(stream.node),
        "peer": stream.peer,
        "since": stream.since.isoformat(),
        "variant": stream.variant,
        "service": kind(stream.service) if stream.service else "aggregated",
        "types": {kind(url): _type(state) for url, state in stream.types.items()},
    }


def _node(node: Node) -> Mapping[str, Any]:
    place = node.locality
    return {
        "id": node.id,
        "cluster": node.cluster,
        "version": node.version,
        "locality": {"region": place.region, "zone": place.zone, "sub_zone": place.sub_zone},
    }


def _type(state: TypeStatus) -> Mapping[str, Any]:
    refusal = state.refusal
    return {
        "wildcard": state.wildcard,
        "names": sorted(state.names),
        "version_sent": state.version_sent,
        "version_accepted": state.version_acked,
        "nonce": state.nonce,
        "refused": refusal
        and {
            "version": refusal.version,
            "reason": refusal.reason,
            "since": refusal.since.isoformat(),
        },
    }
