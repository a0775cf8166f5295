"""`xds up` stops when the requests in flight are answered, and takes no others meanwhile."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from e2e.gateway import envoy_of, gateway, gone, is_free, stop
from e2e.world import Load, World, endpoints, on_loopback, until
from xds.ports import HostPort

pytestmark = pytest.mark.each_envoy

FOREVER = float("inf")
# Longer than a test waits for anything.
LONG = ("--grace", "600")


async def stopping(here: World) -> None:
    """Tell a gateway with requests in flight to stop, and wait until it drains."""
    here.control_plane.send(signal.SIGTERM)
    await here.control_plane.says("waiting for requests in flight")
    where = HostPort.parse(here.url.removeprefix("http://"))

    async def refused() -> bool:
        return not await here.listens(where)

    await until(refused, "connections are refused")


async def test_a_stream_in_flight_is_finished_and_nothing_else_begun(tmp_path: Path) -> None:
    backends = on_loopback("one")
    async with gateway(tmp_path, endpoints(backends), *LONG, backends=backends) as here:
        async with aiohttp.ClientSession() as idle, idle.get(here.url) as first:
            assert "connection" not in first.headers
            await first.read()
            stream = await here.stream({}, FOREVER)

            await stopping(here)
            await stream.more()
            async with idle.get(here.url) as last:
                assert last.status == 200
                assert last.headers["connection"] == "close"
            await stream.more()
            assert not here.control_plane.ended

            await here.get("/finish", f"http://{backends['one']}")
            assert await stream.whole()
            await until(lambda: here.control_plane.ended, "it stops")
            assert await here.control_plane.stop() == 0
    assert "cut off" not in here.control_plane.output


async def test_a_gateway_without_requests_stops_at_once(tmp_path: Path) -> None:
    backends = on_loopback("one")
    async with gateway(tmp_path, endpoints(backends), *LONG, backends=backends) as here:
        assert (await here.ask()).status == 200  # and its connection stays open

        assert await stop(here.control_plane) == 0

    assert "waiting for requests" not in here.control_plane.output
    assert is_free(here.url)


async def test_what_is_not_finished_within_the_grace_is_cut_off(tmp_path: Path) -> None:
    backends = on_loopback("one")
    grace = ("--grace", "0.2")
    async with gateway(tmp_path, endpoints(backends), *grace, backends=backends) as here:
        stream = await here.stream({}, FOREVER)

        assert await stop(here.control_plane) == 0
        assert not await stream.whole()

    assert "the grace is over; requests in flight are cut off" in here.control_plane.output


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    backends = on_loopback("one")
    async with gateway(tmp_path, endpoints(backends), *LONG, backends=backends) as here:
        envoy = envoy_of(here.control_plane)
        stream = await here.stream({}, FOREVER)
        await stopping(here)

        assert await stop(here.control_plane, signal.SIGINT) == 1
        assert not await stream.whole()
        await gone(envoy)

    assert "stopping at once" in here.control_plane.output
    assert "Traceback" not in here.control_plane.output
    assert is_free(here.url)


async def test_a_busy_gateway_cuts_nothing_off_when_it_stops(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    async with gateway(tmp_path, endpoints(backends), *LONG, backends=backends) as here:
        async with Load(here, delay=0.05).going() as load:
            await load.more(50)
            stopped = asyncio.create_task(stop(here.control_plane))
            await until(lambda: bool(load.failed), "connections are refused")
            assert await stopped == 0

    assert {answer.status for answer in load.answers} == {200, 0}
    assert {answer.text.partition("(")[0] for answer in load.failed} == {"ClientConnectorError"}
