"""An edit reaches Envoy while requests pass, and nobody feels it but those it is for."""

import signal
from pathlib import Path

from e2e.churn import Pace, churn
from e2e.world import Load, World, endpoints, on_loopback, until, world

NAMES = ("one", "two", "three")
# "In force within one second", from the rename of the file on.
AT_ONCE = 1.0
COUNTED = r"cluster_manager\.(cluster_added|cluster_modified|cluster_removed|warming_clusters)"


async def test_weights_endpoints_and_models_change_under_load(tmp_path: Path) -> None:
    backends = on_loopback(*NAMES)
    two = {name: backends[name] for name in ("one", "two")}
    async with world(tmp_path, endpoints(two), backends=backends) as gateway:
        async with Load(gateway, workers=4).going() as load:

            async def takes_most(name: str) -> bool:
                return (await gateway.count(20))[name] >= 15

            gateway.edit(endpoints(two, one=9))
            await until(lambda: takes_most("one"), "a weight is edited", AT_ONCE)

            # Twice: Envoy would hold the second change of a pool's health back.
            for drained, stays in (("one", "two"), ("two", "one")):
                gateway.edit(endpoints(two, **{drained: 0}))
                await until(lambda n=stays: gateway.served_by(n), f"{drained} drains", AT_ONCE)

            gateway.edit(endpoints(backends))
            await until(lambda: gateway.served_by(*NAMES), "an endpoint is added", AT_ONCE)

            gateway.edit(endpoints(two))
            await until(lambda: gateway.served_by("one", "two"), "one is removed", AT_ONCE)
            await load.more(200)

    assert load.failed == []


async def test_models_come_and_go_under_load(tmp_path: Path) -> None:
    backends = on_loopback(*NAMES)
    base = endpoints(backends)
    old = base + "model_config:\n  old: {preferred_endpoints: [one]}\n"
    new = base + "model_config:\n  new: {preferred_endpoints: [two]}\n"
    async with world(tmp_path, old, backends=backends) as gateway:
        async with (
            Load(gateway, {"model": "old"}, workers=2).going() as of_old,
            Load(gateway, {"model": "new"}, workers=2).going() as of_new,
        ):
            for text, model, name in ((new, "new", "two"), (old, "old", "one")) * 5:
                gateway.edit(text)
                body = {"model": model}
                await until(lambda n=name, b=body: gateway.served_by(n, body=b), text, AT_ONCE)

    assert of_old.failed == []
    assert of_new.failed == []


async def test_the_settings_are_followed_too(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    config = endpoints(backends)
    async with world(tmp_path, config, backends=backends) as gateway:
        settings = tmp_path / "settings.yaml"
        first = settings.read_text()
        settings.write_text(first + "endpoints: {two: {priority: 1}}\n")
        await until(lambda: gateway.served_by("one"), "the second is kept for later", AT_ONCE)


async def test_a_bad_edit_changes_nothing_and_says_why(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    good = endpoints(backends)
    async with world(tmp_path, good, backends=backends) as gateway:
        async with Load(gateway, workers=2).going() as load:
            for bad, said in (
                (good.replace("port: ", "port: 7777"), "config.yaml:2:"),
                ("vllm_endpoints: [", "not valid YAML"),
                ("", "the file is empty"),
            ):
                gateway.edit(bad)
                await gateway.control_plane.says(said)
            gateway.config.unlink()
            await gateway.control_plane.says("there is no such file")
            await until(lambda: gateway.served_by("one", "two"), "both serve as before")
            gateway.edit(endpoints({"two": backends["two"]}))
            await until(lambda: gateway.served_by("two"), "a good edit counts again")

    assert load.failed == []
    assert "Traceback" not in gateway.control_plane.output


async def test_an_edit_while_the_control_plane_is_away_counts_when_it_is_back(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    async with world(tmp_path, endpoints(backends), backends=backends) as gateway:
        async with Load(gateway, workers=2).going() as load:
            await gateway.control_plane.stop()
            gateway.edit(endpoints({"three": backends["three"]}))
            await until(lambda: gateway.served_by(*NAMES), "all serve as before")
            await gateway.serve()
            await until(lambda: gateway.served_by("three"), "the edit counts")

    assert load.failed == []


async def outage(gateway: World, how: signal.Signals) -> None:
    before = await gateway.get(f"/stats?filter=^{COUNTED}", gateway.admin)
    async with Load(gateway, workers=2).going() as load:
        await gateway.control_plane.stop(how)
        await load.more(200)
        await gateway.serve()
        await gateway.control_plane.says("envoy connected")

        async def connected() -> bool:
            return await gateway.stat(r"control_plane\.connected_state") == 1

        await until(connected, "Envoy is connected again")
        await load.more(200)
    assert load.failed == []
    assert await gateway.get(f"/stats?filter=^{COUNTED}", gateway.admin) == before


async def test_envoy_serves_while_the_control_plane_is_away(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    models = "model_config:\n  m: {preferred_endpoints: [two]}\n"
    async with world(tmp_path, endpoints(backends) + models, backends=backends) as gateway:
        await outage(gateway, signal.SIGTERM)
        await outage(gateway, signal.SIGKILL)
        # What is re-sent by a control plane that came back is the load assignments alone.
        assert "type=Cluster " not in gateway.control_plane.output
        assert await gateway.stat(r"listener_manager\.listener_modified") == 0

        gateway.edit(endpoints({"one": backends["one"]}))
        await until(lambda: gateway.served_by("one"), "an edit counts after the outage")


async def test_edits_of_every_kind_cut_no_stream_and_fail_no_request(tmp_path: Path) -> None:
    outcome = await churn(tmp_path, Pace(rate=100, stream_seconds=4, edits=30, seconds=8))

    assert outcome.failed == []
    assert outcome.cut == []
    assert (outcome.good, outcome.bad, outcome.rejected) == (24, 6, 0)
    assert outcome.requests > 500
    assert outcome.most_streams > 10
