"""What a real Envoy refuses is told in its words, once, and holds up nothing else."""

from pathlib import Path

import pytest
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
)

from e2e.engine.resources import (
    HOST,
    assignment,
    cluster,
    connection_manager,
    listener,
    route_configuration,
)
from e2e.engine.served import backends, served
from xds.ports import free_port
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.snapshot import Snapshot
from xds.translate.bootstrap import Protocol

REFUSED = "(cds|lds|rds.*)[.]update_rejected$"


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("version", ["1.40", "1.36"])
async def test_a_refusal_is_told_and_holds_up_nothing_else(
    tmp_path: Path, version: str, protocol: Protocol
) -> None:
    """G6, G7, G8, G9."""
    port = free_port(HOST)
    async with backends(2) as running:
        good = {
            CLUSTERS: cluster("one"),
            ENDPOINTS: assignment("one", running[:1]),
            ROUTES: route_configuration("main", {"/": "one"}),
            LISTENERS: listener("main", port, connection_manager("main")),
        }
        bad = {
            CLUSTERS: (cluster("one", timeout=0), "ConnectTimeout"),
            ROUTES: (route_configuration("main", {"/": "one"}, "a", "a"), "domain"),
            LISTENERS: (listener("main", port, HttpConnectionManager()), "StatPrefix"),
        }
        async with served(tmp_path, version, protocol, Snapshot.build(good.values())) as here:
            await here.in_force(Snapshot.build(good.values()))
            for number, (type_url, (resource, said)) in enumerate(bad.items(), start=1):
                wrong = Snapshot.build({**good, type_url: resource}.values())
                here.store.publish(wrong)
                state = await here.refused(type_url)
                assert state.refusal
                assert state.refusal.version == wrong.version(type_url)
                assert said in state.refusal.reason
                assert state.version_acked == Snapshot.build(good.values()).version(type_url)

                for some in (running[1:], running, running[:1]):
                    moved = {**good, type_url: resource, ENDPOINTS: assignment("one", some)}
                    here.store.publish(Snapshot.build(moved.values()))
                    await here.serves(port, "/", str(some[-1]))
                    rejected = await here.stats(REFUSED)
                    assert sum(rejected.values()) == number, rejected

                await here.follow(*good.values())
                cured = here.status(type_url)
                assert cured
                assert cured.refusal is None
