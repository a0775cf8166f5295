"""An Envoy that dies is started again, and none outlives its `xds up`."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from e2e.gateway import envoy_of, gateway, gone, is_free, stop
from e2e.world import Process, World, endpoints, on_loopback, until

pytestmark = pytest.mark.each_envoy


async def kill(here: World) -> None:
    os.kill(envoy_of(here.control_plane), signal.SIGKILL)


async def quit_politely(here: World) -> None:
    async with here.session.post(f"{here.admin}/quitquitquit"):
        pass


async def again(here: World, times: int) -> None:
    await until(
        lambda: here.control_plane.output.count("Envoy is ready again") == times,
        f"Envoy is ready again, for the {times}. time",
    )


async def test_an_envoy_that_ends_is_started_again_where_it_was(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    config = endpoints({"one": backends["one"]})
    async with gateway(tmp_path, config, backends=backends) as here:
        for times, end in enumerate((kill, quit_politely, kill), 1):
            before = envoy_of(here.control_plane)
            await end(here)
            await again(here, times)
            assert envoy_of(here.control_plane) != before
            assert (await here.ask()).served_by == "one"
            assert await here.get("/ready", here.admin) == "LIVE\n"

        here.edit(endpoints({"two": backends["two"]}))
        await until(lambda: here.served_by("two"), "an edit counts in the new one")
        code = await stop(here.control_plane)

    assert code == 0
    told = here.control_plane.output
    assert told.count("Envoy was ended by signal 9, Killed") == 2
    assert told.count("Envoy ended with exit code 0") == 1
    assert is_free(here.url)
    assert is_free(here.admin)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_gateway_that_is_killed_takes_its_envoy_along(
    restarted: bool,  # noqa: FBT001  parametrized
    tmp_path: Path,
) -> None:
    backends = on_loopback("one")
    async with gateway(tmp_path, endpoints(backends), backends=backends) as here:
        if restarted:
            await kill(here)
            await again(here, 1)
        envoy = envoy_of(here.control_plane)

        here.control_plane.send(signal.SIGKILL)
        try:
            await gone(envoy)
        finally:
            with suppress(ProcessLookupError):
                os.kill(envoy, signal.SIGKILL)
        assert await here.control_plane.stop() == -signal.SIGKILL
        assert is_free(here.url)
        assert is_free(here.admin)


async def test_the_demo_outlives_its_envoy() -> None:
    demo = await Process(sys.executable, "-m", "xds", "demo").start()
    try:
        await demo.says("Ctrl-C ends the demo")
        url = next(word for word in demo.output.split() if word.startswith("http://"))
        os.kill(envoy_of(demo), signal.SIGKILL)
        await demo.says("Envoy is ready again")
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
    finally:
        code = await demo.stop()
    assert code == 0
