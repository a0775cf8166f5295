"""Know every name that two Envoy resources share.

A cluster's name is that of its load assignment and of the routes' target.
"""

from typing import Final
from urllib.parse import quote

from xds.config.gateway import Endpoint, Listener, Model

# Takes the requests that no model takes.
ALL_ENDPOINTS: Final = "all-endpoints"
# The semantic router: where it picks models, and where it lists them.
ROUTER: Final = "semantic-router"
ROUTER_API: Final = "semantic-router-api"
XDS_CLUSTER: Final = "xds_cluster"


def model_cluster(model: Model | str) -> str:
    """Return the name of a model's cluster, which no other model has."""
    return f"model/{model if isinstance(model, str) else model.name}"


def route_configuration(listener: Listener) -> str:
    """Return the name of the routes behind a listener."""
    return f"{listener.name}/routes"


def server_name(endpoint: Endpoint) -> str:
    """Return the name of the server that an endpoint must prove to be; none for plain text.

    In a pool of several, an endpoint's metadata leads by it to its transport socket.
    """
    return endpoint.address if endpoint.tls else ""


def stat_name(cluster: str) -> str:
    """Return the name under which a cluster counts, as injective as its own.

    Envoy's statistics end a cluster's name at the first dot, and write colons as underscores.
    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto#envoy-v3-api-field-config-cluster-v3-cluster-alt-stat-name
    """
    return quote(cluster, safe="/-_@+").replace(".", "%2E").replace("~", "%7E")
