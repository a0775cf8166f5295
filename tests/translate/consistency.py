"""What must hold between the resources of any gateway, whatever they are."""

from collections.abc import Iterator
from typing import Any

from envoy_data_plane.envoy.config.cluster.v3 import ClusterDiscoveryType

from xds.translate import Translation
from xds.translate.text import to_dict


def inconsistencies(translation: Translation) -> list[str]:
    """Return every reference that leads nowhere, and every resource that nothing leads to."""
    clusters = {cluster.name: cluster for cluster in translation.clusters}
    eds = {name for name, each in clusters.items() if each.type is ClusterDiscoveryType.EDS}
    listeners = [to_dict(listener) for listener in translation.listeners]
    routed = {name for route in translation.routes for name in under("cluster", to_dict(route))}
    # The filters of a listener ask the semantic router.
    routed |= {name for listener in listeners for name in under("cluster_name", listener)}
    assigned = {assignment.cluster_name for assignment in translation.endpoints}
    routes = {route.name for route in translation.routes}
    asked = {name for listener in listeners for name in under("route_config_name", listener)}
    names = [each.name for each in translation.clusters]
    names += [each.name for each in translation.listeners]
    return [
        *(f"no cluster {name}" for name in routed - clusters.keys()),
        *(f"no route to {name}" for name in clusters.keys() - routed),
        *(f"no load assignment for {name}" for name in eds - assigned),
        *(f"a load assignment for nothing: {name}" for name in assigned - eds),
        *(f"no routes {name}" for name in asked - routes),
        *(f"no listener for {name}" for name in routes - asked),
        *(f"twice: {name}" for name in names if names.count(name) > 1),
        *(text for name, each in clusters.items() for text in _sockets(name, translation, each)),
    ]


def _sockets(name: str, translation: Translation, cluster: Any) -> Iterator[str]:
    known = {match.name for match in cluster.transport_socket_matches}
    assignments = [one for one in translation.endpoints if one.cluster_name == name]
    own = [cluster.load_assignment] if cluster.load_assignment else []
    for assignment in (*assignments, *own):
        for server in set(under("server_name", to_dict(assignment))) - known:
            yield f"no transport socket for {server} in {name}"


def under(key: str, value: Any) -> Iterator[str]:
    """Return every text that stands under a key, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from under(key, each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == key and isinstance(each, str):
                yield each
            else:
                yield from under(key, each)
