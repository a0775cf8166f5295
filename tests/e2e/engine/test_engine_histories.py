"""Envoys follow whatever is published, under load, and nobody feels it."""

from pathlib import Path

import pytest

from e2e.engine.histories import MAIN, History
from e2e.engine.load import Answers, PathLoad
from e2e.engine.resources import HOST
from e2e.engine.served import backends, served
from xds.ports import free_port
from xds.snapshot import Snapshot
from xds.translate.bootstrap import Protocol

LISTENERS = ("one", "two", "three")
SNAPSHOTS = 100


def both(old: Answers, new: Answers) -> Answers:
    """Return the paths that are there before and after, and who may answer in between."""
    return {path: old[path] | new[path] for path in old if path in new}


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("version", ["1.40", "1.36"])
async def test_an_envoy_follows_100_snapshots_under_load(
    tmp_path: Path, version: str, protocol: Protocol
) -> None:
    """O1, O2, W1 to W5, W8."""
    ports = {name: free_port(HOST) for name in (MAIN, *LISTENERS)}
    async with backends(6) as running:
        history = History(7, running, LISTENERS)
        old = history.content
        first = Snapshot.build(old.resources(ports))
        async with served(tmp_path, version, protocol, first) as here:
            await here.in_force(first)
            async with PathLoad(ports[MAIN], old.answers()).going() as load:
                for new in history.contents(SNAPSHOTS):
                    await load.ask_for(both(old.answers(), new.answers()))
                    await here.follow(*new.resources(ports))
                    assert load.failed == []
                    # Envoy's own clock: nothing waited for a second, and nothing was refused.
                    waited = await here.stats("(init_fetch_timeout|update_rejected|lds.*failure)$")
                    assert not any(waited.values()), waited
                    await load.ask_for(new.answers())
                    old = new

    assert load.failed == []
    assert load.answered > SNAPSHOTS
