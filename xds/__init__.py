"""An Envoy control plane for fleets of LLM servers, and the ADS server that it is built on."""

from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

__all__ = [
    "CLUSTERS",
    "ENDPOINTS",
    "LISTENERS",
    "ROUTES",
    "AdsServer",
    "Resource",
    "Snapshot",
    "SnapshotStore",
]
