"""What messages cost on their way in and out, beside what the libraries cost that could be used.

    python bench/wire.py

Medians of five runs, in milliseconds of processor: to read the first request of an Envoy, whose
node with its 516 extensions makes 61 KB of it; and to write the load assignments of 10,000
endpoints, once every class of message has been seen.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import process_time

from envoy_data_plane.envoy.config.endpoint.v3 import ClusterLoadAssignment
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryRequest
from rich.console import Console
from rich.table import Table

from light import node
from machine import machine
from results import save
from served import pool
from xds.resources import CLUSTERS
from xds.server.transport import sotw_request
from xds.translate.endpoints import cluster_load_assignment
from xds.wire import discovery_pb2 as wire
from xds.wire.codec import encode

RUNS = 5
CLUSTERS_OF_TEN = 1000


def milliseconds(work: Callable[[], object], times: int = 1) -> float:
    """Return the median of some runs of so many times, after one that is not counted."""
    work()
    found = []
    for _ in range(RUNS):
        began = process_time()
        for _ in range(times):
            work()
        found.append(1e3 * (process_time() - began) / times)
    return median(found)


def main() -> None:
    """Measure and print the table."""
    request = wire.DiscoveryRequest(type_url=CLUSTERS, node=node()).SerializeToString()
    # As they are read, nothing of them is kept that was written before.
    assignments = [
        ClusterLoadAssignment.parse(
            bytes(cluster_load_assignment(f"model/{number}", pool(number, 10)))
        )
        for number in range(CLUSTERS_OF_TEN)
    ]
    now = datetime.now(UTC)
    rows = {
        f"read a first request of {len(request) / 1e3:.0f} KB": (
            milliseconds(lambda: sotw_request(request, now), times=1000),
            milliseconds(lambda: DiscoveryRequest.parse(request), times=10),
        ),
        "write 10,000 endpoints": (
            milliseconds(lambda: [encode(each) for each in assignments]),
            milliseconds(lambda: [bytes(each) for each in assignments]),
        ),
    }
    shown = Table("", "ours, ms", "betterproto, ms", title=f"Medians of {RUNS}\n{machine()}")
    for name, figures in rows.items():
        shown.add_row(name, *(f"{each:.3f}" for each in figures))
    Console().print(shown)
    save("wire", rows=rows)


if __name__ == "__main__":
    main()
