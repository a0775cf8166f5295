"""What an Envoy says that it has, beside what it should have."""

from typing import Any, Final

from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.listener.v3 import Listener
from envoy_data_plane.envoy.config.route.v3 import RouteConfiguration

from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.snapshot import Snapshot

# Type URL → name → message, or the ports of a load assignment.
Contents = dict[str, dict[str, object]]

# The lists of what came from a server, and where each has it.
_DUMPED: Final = (
    ("dynamic_active_clusters", "", "{}"),
    ("dynamic_warming_clusters", "", "{} (warming)"),
    ("dynamic_endpoint_configs", "", "{}"),
    ("dynamic_listeners", "active_state", "{}"),
    ("dynamic_listeners", "warming_state", "{} (warming)"),
    ("dynamic_route_configs", "", "{}"),
)
_BODIES: Final[tuple[tuple[str, str, Any], ...]] = (
    ("cluster", CLUSTERS, Cluster),
    ("endpoint_config", ENDPOINTS, ClusterLoadAssignment),
    ("listener", LISTENERS, Listener),
    ("route_config", ROUTES, RouteConfiguration),
)


def dumped(config_dump: Any) -> Contents:
    """Return what is in an Envoy's `/config_dump?include_eds`."""
    found: Contents = {type_url: {} for _, type_url, _ in _BODIES}
    for config in config_dump["configs"]:
        for key, state, called in _DUMPED:
            for each in config.get(key, ()):
                _note(found, each.get(state, {}) if state else each, called)
    return found


def _note(found: Contents, entry: dict[str, Any], called: str) -> None:
    for key, type_url, message_class in _BODIES:
        if body := entry.get(key):
            body.pop("@type")
            message = message_class.from_dict(body)
            name = getattr(message, "cluster_name", "") or getattr(message, "name", "")
            found[type_url][called.format(name)] = _essence(message)


def contents(snapshot: Snapshot) -> Contents:
    """Return what an Envoy has that has all of a snapshot."""
    return {
        type_url: {
            each.name: _essence(message_class.parse(each.body))
            for each in snapshot.of_type(type_url).values()
        }
        for _, type_url, message_class in _BODIES
    }


def _essence(message: object) -> object:
    # Envoy tells its hosts, and not the assignment that it has them from.
    return ports(message) if isinstance(message, ClusterLoadAssignment) else message


def ports(message: ClusterLoadAssignment) -> list[int]:
    """Return the ports of all endpoints of a load assignment."""
    return sorted(
        each.endpoint.address.socket_address.port_value or 0
        for group in message.endpoints
        for each in group.lb_endpoints
        if each.endpoint and each.endpoint.address and each.endpoint.address.socket_address
    )
