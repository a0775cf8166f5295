"""A server that comes back changes nothing but what changed meanwhile."""

from pathlib import Path

import pytest

from e2e.engine.load import PathLoad
from e2e.engine.resources import (
    HOST,
    assignment,
    cluster,
    connection_manager,
    listener,
    route_configuration,
)
from e2e.engine.served import PATIENCE, backends, served
from e2e.world import until
from xds.ports import free_port
from xds.snapshot import Snapshot
from xds.translate.bootstrap import Protocol
from xds.translate.clusters import ads

# What moves when Envoy takes something for new: never what moves when it is told what it has.
COUNTED = (
    "(cluster_manager.cluster_(added|modified|removed|updated)|cluster_manager.cds.update_success"
    "|listener_manager.listener_(added|modified|removed|in_place_updated)"
    "|http.*rds.*config_reload|membership_change|init_fetch_timeout|update_rejected)$"
)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("version", ["1.40", "1.36"])
async def test_the_same_content_after_a_restart_changes_nothing(
    tmp_path: Path, version: str, protocol: Protocol
) -> None:
    """G5, D8, W6."""
    port = free_port(HOST)
    async with backends(2) as running:
        resources = (
            cluster("one"),
            cluster("two"),
            assignment("one", running[:1]),
            assignment("two", running[1:]),
            route_configuration("main", {"/1": "one", "/2": "two"}),
            listener("main", port, connection_manager("main")),
        )
        snapshot = Snapshot.build(resources)
        async with served(tmp_path, version, protocol, snapshot) as here:
            await here.in_force(snapshot)
            before = await here.stats(COUNTED)
            answers = {"/1": frozenset(running[:1]), "/2": frozenset(running[1:])}
            async with PathLoad(port, answers).going() as load:
                for _ in range(2):
                    await here.stop()
                    await load.more(20)
                    await here.start(snapshot)
                    await here.in_force(snapshot)
                    await load.more(20)
                assert await here.stats(COUNTED) == before
                await here.follow(*resources[1:], cluster("one", timeout=500))

    assert any("config_reload" in name for name in before), before
    assert any("cluster_added" in name for name in before), before
    assert load.failed == []


@pytest.mark.parametrize("protocol", Protocol)
async def test_what_was_removed_while_the_server_was_away_is_removed_last(
    tmp_path: Path, protocol: Protocol
) -> None:
    """O2, D8. In state of the world, the new server has to know what the old one published."""
    port = free_port(HOST)
    async with backends(2) as running:
        manager = listener("main", port, connection_manager("main"))
        stays = (cluster("stays"), assignment("stays", running[:1]), manager)
        goes = (cluster("goes"), assignment("goes", running[1:]))
        old = Snapshot.build((*stays, *goes, route_configuration("main", {"/": "goes"})))
        new = Snapshot.build((*stays, route_configuration("main", {"/": "stays"})))
        async with served(tmp_path, "1.40", protocol, old) as here:
            await here.in_force(old)
            async with PathLoad(port, {"/": frozenset(running)}, workers=8).going() as load:
                for ours, theirs in ((old, new), (new, old)) * 5:
                    await here.stop()
                    await here.start(*(() if protocol is Protocol.DELTA else (ours,)), theirs)
                    await here.in_force(theirs)
                    await load.more(20)

    assert load.failed == []


async def test_an_envoy_comes_back_while_a_cluster_warms(tmp_path: Path) -> None:
    """W6: it waits for 15 s for the load assignment that it knows already.

    In the incremental variant none warms for as long as that: the server tells what is missing.
    """
    protocol = Protocol.SOTW
    port = free_port(HOST)
    async with backends(1) as running:
        rest = (
            route_configuration("main", {"/": "one"}),
            listener("main", port, connection_manager("main")),
        )
        assigned = assignment("one", running)
        old = Snapshot.build((cluster("one", source=ads()), assigned, *rest))
        async with served(tmp_path, "1.40", protocol, old) as here:
            await here.in_force(old)
            changed = cluster("one", source=ads(), timeout=500)
            here.store.publish(Snapshot.build((changed, *rest)))
            gauge = "cluster_manager.warming_clusters"

            async def is_warming() -> bool:
                return await here.stats(f"{gauge}$") == {gauge: 1}

            await until(is_warming, "the cluster warms", PATIENCE)
            await here.stop()
            new = Snapshot.build((changed, assigned, *rest))
            await here.start(new)
            await here.in_force(new)
