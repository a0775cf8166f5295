"""Whatever becomes of the control plane or its files, Envoy serves what was good last."""

import os
import signal
from pathlib import Path

from e2e.world import Load, World, endpoints, on_loopback, until, world
from xds.ports import HostPort

NAMES = ("one", "two")
RESTORED = "configuration refused; the last good one, from the state directory, is served"
UNPRIVILEGED = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    if os.geteuid() == 0
    else ()
)


async def ready(gateway: World) -> tuple[int, str]:
    async with gateway.session.get(f"{gateway.xds_admin}/readyz") as response:
        return response.status, await response.text()


async def refused(gateway: World, said: str, in_force: object) -> None:
    """Wait until a problem is told everywhere, and make sure that all is served as before."""

    async def told() -> bool:
        refusal = (await gateway.status())["refused"]
        return refusal is not None and said in refusal["problems"][0]

    await until(told, f"the status tells {said!r}")
    await gateway.control_plane.says(said)
    code, text = await ready(gateway)
    assert code == 200
    assert said in text
    assert (await gateway.status())["in_force"] == in_force
    await until(lambda: gateway.served_by(*NAMES), "all serve as before")


async def test_whatever_becomes_of_the_file_envoy_serves_and_the_admin_tells_the_truth(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    good = endpoints(backends)
    async with world(tmp_path, good, backends=backends, under=UNPRIVILEGED) as gateway:
        in_force = (await gateway.status())["in_force"]
        assert await ready(gateway) == (200, "ready\n")
        async with Load(gateway, workers=2).going() as load:
            gateway.config.write_bytes(b"")
            await refused(gateway, "the file is empty", in_force)
            gateway.config.unlink()
            await refused(gateway, "there is no such file", in_force)
            gateway.config.mkdir()
            await refused(gateway, "this is a directory", in_force)
            gateway.config.rmdir()
            gateway.config.touch(0)
            await refused(gateway, "there is no permission to read it", in_force)
            gateway.edit(endpoints({"two": backends["two"]}))
            await until(lambda: gateway.served_by("two"), "a good edit counts again")

            async def good_again() -> bool:
                status = await gateway.status()
                return status["refused"] is None and status["in_force"] != in_force

            await until(good_again, "the status tells that nothing is wrong")

    assert load.failed == []
    assert "Traceback" not in gateway.control_plane.output


def fleet(backends: dict[str, HostPort], turn: int) -> str:
    """Return many models, half of them others at each turn: there is much to publish."""
    names = [f"model-{50 * turn + number}" for number in range(100)]
    models = "".join(f"  {name}: {{preferred_endpoints: [one]}}\n" for name in names)
    return f"{endpoints(backends)}model_config:\n{models}  both: {{}}\ndefault_model: both\n"


async def test_a_control_plane_killed_as_it_publishes_comes_back_with_what_was_good(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    options = ("--state-dir", str(tmp_path / "state"), "--exit-on-bad-config")
    async with world(tmp_path, fleet(backends, 0), backends=backends, options=options) as gateway:
        async with Load(gateway, workers=2).going() as load:
            for turn in (1, 2):
                sent = gateway.control_plane.output.count("sent ")
                gateway.edit(fleet(backends, turn))
                output = gateway.control_plane
                await until(lambda o=output, s=sent: o.output.count("sent ") > s, "publishing")
                published = (await gateway.status())["in_force"]["versions"]
                await gateway.control_plane.stop(signal.SIGKILL)
                await load.more(50)

                gateway.edit("vllm_endpoints: [\n")
                await gateway.serve()
                await gateway.control_plane.says(RESTORED)
                assert (await ready(gateway))[0] == 200
                status = await gateway.status()
                assert status["in_force"]["from_state_dir"] is True
                assert status["in_force"]["versions"] == published
                assert "not valid YAML" in status["refused"]["problems"][0]
                await gateway.control_plane.says("envoy connected")
                await load.more(50)

            gateway.edit(fleet(backends, 10))
            body = {"model": "model-599"}
            await until(lambda: gateway.served_by("one", body=body), "a good edit counts again")

    assert load.failed == []


async def test_a_state_directory_that_takes_nothing_is_told_and_felt_by_nobody(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    state = tmp_path / "state"
    state.mkdir(0o500)
    options = ("--state-dir", str(state))
    good = endpoints(backends)
    async with world(
        tmp_path, good, backends=backends, options=options, under=UNPRIVILEGED
    ) as gateway:
        async with Load(gateway, workers=2).going() as load:
            assert "Permission denied" in (await gateway.status())["state_dir"]["trouble"]
            gateway.edit(endpoints({"two": backends["two"]}))
            await until(lambda: gateway.served_by("two"), "an edit counts")
            assert await ready(gateway) == (200, "ready\n")
            await gateway.control_plane.says("is not kept for a restart")

    assert load.failed == []


async def test_a_disk_that_takes_no_more_is_told_and_felt_by_nobody(tmp_path: Path) -> None:
    backends = on_loopback(*NAMES)
    options = ("--state-dir", str(tmp_path / "state"))
    good = endpoints({"two": backends["two"]})
    # There is room for the first file, and for no longer one.
    full = ("prlimit", "--fsize=1024")
    async with world(tmp_path, good, backends=backends, options=options, under=full) as gateway:
        assert (await gateway.status())["state_dir"]["trouble"] is None
        kept = (tmp_path / "state" / "last-good.json").read_bytes()
        async with Load(gateway, workers=2).going() as load:
            gateway.edit(endpoints(backends) + f"# {'x' * 1024}\n")
            await until(lambda: gateway.served_by(*NAMES), "an edit counts")

            async def told() -> bool:
                trouble = (await gateway.status())["state_dir"]["trouble"]
                return "File too large" in (trouble or "")

            await until(told, "the status tells that the disk is full")
            assert await ready(gateway) == (200, "ready\n")
            await gateway.control_plane.says("is not kept for a restart")

    assert load.failed == []
    assert (tmp_path / "state" / "last-good.json").read_bytes() == kept
