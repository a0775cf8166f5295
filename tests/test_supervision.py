"""How an Envoy is kept running: what is waited for, and what is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from xds.dataplane import EnvoyError, RunningEnvoy, supervised
from xds.dataplane.supervision import Backoff

PATIENCE = 10.0
QUICK = Backoff(base=0.001, most=0.001)


def pauses(*uptimes: float) -> list[float]:
    backoff, found = Backoff(base=1, most=10, steady=60), []
    for uptime in uptimes:
        backoff = backoff.after(uptime)
        found.append(backoff.pause)
    return found


def test_each_end_that_comes_soon_doubles_the_pause_up_to_the_most() -> None:
    assert pauses(1, 0, 0, 59, 0, 0) == [1, 2, 4, 8, 10, 10]


def test_an_end_after_a_steady_life_is_the_first_again() -> None:
    assert pauses(0, 0, 60, 0) == [1, 2, 1, 2]


@given(st.lists(st.floats(0, 1000)))
def test_no_history_leads_to_a_pause_out_of_bounds(uptimes: list[float]) -> None:
    backoff = Backoff()
    for uptime in [0.0, *uptimes]:
        backoff = backoff.after(uptime)
        assert 0.1 <= backoff.pause <= 10
        assert backoff.pause / 2 <= backoff.jittered() <= backoff.pause


def starts(*lives: int | Exception) -> Callable[[], AbstractAsyncContextManager[RunningEnvoy]]:
    """Return what starts an Envoy of which each life ends with an exit code, or never begins.

    The life after the last of these goes on.
    """
    scripted = iter(lives)

    @asynccontextmanager
    async def start() -> AsyncIterator[RunningEnvoy]:
        match next(scripted, None):
            case Exception() as error:
                raise error
            case int(code):
                exited = asyncio.create_task(asyncio.sleep(0, code))
            case None:
                exited = asyncio.create_task(asyncio.sleep(PATIENCE, 0))
        yield RunningEnvoy("127.0.0.1:1", exited)
        exited.cancel()

    return start


async def test_every_end_and_every_start_that_fails_is_told_and_followed_by_another() -> None:
    start = starts(3, EnvoyError("not ready"), OSError("no room"), -9)
    with capture_logs() as logs:
        async with asyncio.timeout(PATIENCE), supervised(start, QUICK) as running:
            keeping = asyncio.create_task(running.run())
            while [line["event"] for line in logs].count("Envoy is ready again") < 2:
                assert not keeping.done()
                await asyncio.sleep(0)
            keeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await keeping

    assert [line["reason"] for line in logs if line["log_level"] == "error"] == [
        "Envoy ended with exit code 3",
        "not ready",
        "no room",
        "Envoy was ended by signal 9, Killed",
    ]


async def test_a_first_start_that_fails_is_an_error() -> None:
    with pytest.raises(EnvoyError, match="not ready"):
        async with supervised(starts(EnvoyError("not ready"))):
            pytest.fail("it started")
