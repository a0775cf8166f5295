"""Know how a gateway becomes what is served, and what of the last build stays as it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from betterproto2 import Message

from xds.config.gateway import Gateway
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.snapshot import Snapshot
from xds.translate import Translation, translate
from xds.wire.codec import encode

# How many inconsistencies an error names.
_NAMED: Final = 3


class InconsistencyError(Exception):
    """Resources name others that are not there, which no configuration should bring about."""


@dataclass(frozen=True, slots=True)
class Build:
    """What became of a gateway; the next build takes over what the two have in common."""

    translation: Translation
    # By the identity of the message that each is made of, which the translation keeps.
    resources: Mapping[int, Resource]
    snapshot: Snapshot


def build(gateway: Gateway, last: Build | None = None) -> Build:
    """Return the resources of a gateway in the form in which they are served.

    Only what is not in `last` already is made and encoded. Raises InconsistencyError if a resource
    names another that is not there.
    """
    translation = translate(gateway, last.translation if last else None)
    resources = encoded(translation, last)
    snapshot = Snapshot.build(resources.values(), last.snapshot if last else None)
    check(snapshot, last.snapshot if last else None)
    return Build(translation, resources, snapshot)


def encoded(translation: Translation, last: Build | None = None) -> Mapping[int, Resource]:
    """Return the resources of a translation by the identity of their messages."""
    known = last.resources if last else {}
    return {
        id(message): known.get(id(message)) or Resource(type_url, name, encode(message))
        for type_url, name, message in _messages(translation)
    }


def check(snapshot: Snapshot, last: Snapshot | None = None) -> None:
    """Make sure that every reference leads somewhere, as every one in `last` does.

    Envoy would wait for what is not there, and answer requests with 503. Raises InconsistencyError.
    """
    if wrong := snapshot.inconsistencies(last):
        more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise InconsistencyError("; ".join(map(str, wrong[:_NAMED])) + more)


def _messages(translation: Translation) -> Iterator[tuple[str, str, Message]]:
    for cluster in translation.clusters:
        yield CLUSTERS, cluster.name, cluster
    for assignment in translation.endpoints:
        yield ENDPOINTS, assignment.cluster_name, assignment
    for listener in translation.listeners:
        yield LISTENERS, listener.name, listener
    for route in translation.routes:
        yield ROUTES, route.name, route
