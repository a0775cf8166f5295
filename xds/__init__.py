"""An Envoy control plane for fleets of LLM servers, and the ADS server that it is built on.

As a library it serves any resources to Envoy, gRPC's own xDS clients and whatever else speaks xDS:
a program builds a snapshot and publishes it, and the server sends each client what that one lacks,
in the order in which nothing is lost. This program serves a listener on port 10000, and a cluster
of one endpoint on port 8000, to every Envoy that comes:

    import asyncio

    from envoy_data_plane.envoy.config.cluster.v3 import Cluster
    from envoy_data_plane.envoy.config.core.v3 import Address, SocketAddress
    from envoy_data_plane.envoy.config.endpoint.v3 import (
        ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints
    )
    from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
    from envoy_data_plane.envoy.extensions.filters.network.tcp_proxy.v3 import TcpProxy
    from envoy_data_plane.google.protobuf import Any

    from xds import CLUSTERS, LISTENERS, AdsServer, Resource, Snapshot, SnapshotStore

    def address(port: int) -> Address:
        return Address(socket_address=SocketAddress(address="127.0.0.1", port_value=port))

    endpoints = LocalityLbEndpoints(
        lb_endpoints=[LbEndpoint(endpoint=Endpoint(address=address(8000)))]
    )
    cluster = Cluster(
        name="backend",
        load_assignment=ClusterLoadAssignment(cluster_name="backend", endpoints=[endpoints]),
    )
    proxy = Filter(
        name="tcp", typed_config=Any.pack(TcpProxy(stat_prefix="tcp", cluster="backend"))
    )
    listener = Listener(
        name="tcp", address=address(10000), filter_chains=[FilterChain(filters=[proxy])]
    )

    async def main() -> None:
        store = SnapshotStore()
        store.publish(
            Snapshot.build(
                [Resource(CLUSTERS, "backend", cluster), Resource(LISTENERS, "tcp", listener)]
            )
        )
        port = await AdsServer(store).start("127.0.0.1:18000")
        print(f"serving on port {port}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())

Publish another snapshot whenever something changes: versions derive from the content, so only what
differs is sent. `Snapshot.inconsistencies()` lists the references that lead nowhere, and
`AdsServer.status()` who is connected and what each client has accepted or refused. Publish from the
event loop that the server runs in. The server logs by structlog, as `structlog.configure` says.
"""

from xds.resources import (
    CLUSTERS,
    ENDPOINTS,
    EXTENSION_CONFIGS,
    LISTENERS,
    ROUTES,
    RUNTIMES,
    SCOPED_ROUTES,
    SECRETS,
    VIRTUAL_HOSTS,
    Resource,
)
from xds.server.ads import AdsServer
from xds.server.credentials import TlsFiles, server_credentials
from xds.snapshot import Change, Inconsistency, Snapshot
from xds.status import Locality, Node, Refusal, Status, StreamStatus, TypeStatus
from xds.store import SnapshotStore

__all__ = [
    "CLUSTERS",
    "ENDPOINTS",
    "EXTENSION_CONFIGS",
    "LISTENERS",
    "ROUTES",
    "RUNTIMES",
    "SCOPED_ROUTES",
    "SECRETS",
    "VIRTUAL_HOSTS",
    "AdsServer",
    "Change",
    "Inconsistency",
    "Locality",
    "Node",
    "Refusal",
    "Resource",
    "Snapshot",
    "SnapshotStore",
    "Status",
    "StreamStatus",
    "TlsFiles",
    "TypeStatus",
    "server_credentials",
]
