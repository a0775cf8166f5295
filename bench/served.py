"""A server to be measured: clusters with endpoints, of which one is edited when told to.

    python bench/served.py CLUSTERS ENDPOINTS

Follows commands as `serving.py` says.
"""

import asyncio
import sys
import time
from itertools import cycle

import structlog

from serving import follow
from xds import CLUSTERS, ENDPOINTS, AdsServer, Resource, Snapshot, SnapshotStore
from xds.config.gateway import Endpoint, Resilience, UpstreamTls
from xds.translate.clusters import cluster
from xds.translate.endpoints import cluster_load_assignment


def pool(number: int, count: int) -> tuple[Endpoint, ...]:
    """Return the endpoints of one cluster."""
    return tuple(
        Endpoint(f"{number}-{each}", f"10.{number // 256}.{number % 256}.{each}", 8000)
        for each in range(count)
    )


async def main() -> None:
    """Serve until there are no more commands."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    clusters, count = map(int, sys.argv[1:])
    resources = {}
    for number in range(clusters):
        name, its = f"model/{number}", pool(number, count)
        resources[CLUSTERS, name] = Resource(
            CLUSTERS, name, cluster(name, its, Resilience(), UpstreamTls())
        )
        resources[ENDPOINTS, name] = Resource(ENDPOINTS, name, cluster_load_assignment(name, its))
    store = SnapshotStore()
    store.publish(Snapshot.build(resources.values()))
    edited = f"model/{clusters // 2}"
    # Made beforehand: what it costs to translate and encode is measured by cold_start.py.
    others = [Endpoint("other", "10.255.0.0", port) for port in (8000, 8001)]
    pools = [(*pool(clusters // 2, count - 1), other) for other in others]
    choices = cycle(
        [Resource(ENDPOINTS, edited, cluster_load_assignment(edited, its)) for its in pools]
    )

    def edit() -> float:
        began = time.monotonic()
        resources[ENDPOINTS, edited] = next(choices)
        store.publish(Snapshot.build(resources.values(), store.current))
        return began

    server = AdsServer(store)
    await follow(await server.start("127.0.0.1:0"), edit)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main())
