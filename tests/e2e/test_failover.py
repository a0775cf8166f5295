"""An endpoint dies under load, and comes back."""

import asyncio
import signal
from pathlib import Path

import pytest

from e2e.pace import Pace
from e2e.world import Load, endpoints, on_loopback, until, world

pytestmark = pytest.mark.each_envoy

NAMES = ("one", "two", "three")
# Envoy's own pace, only faster: so a test sees an endpoint come back.
QUICK = "consecutive_5xx: 5, interval: 200ms, base_ejection_time: 500ms"
EJECTIONS = r"cluster\.all-endpoints\.outlier_detection\.ejections_active"


async def test_with_retries_none_fails_but_those_in_flight_on_the_killed_server(
    tmp_path: Path,
) -> None:
    backends = on_loopback(*NAMES)
    settings = f"resilience: {{outlier_detection: {{{QUICK}}}}}"
    async with world(tmp_path, endpoints(backends), settings, backends=backends) as gateway:
        async with Load(gateway, workers=16, delay=0.005).going() as load:
            await gateway.backends["one"].stop(signal.SIGKILL)
            killed = asyncio.get_running_loop().time()
            await load.more(500)
            await gateway.start_backend("one")
            await until(lambda: gateway.served_by(*NAMES), "the first server serves again")

    assert {answer.served_by for answer in load.answers if answer.began > killed} >= {"two"}
    assert [answer for answer in load.failed if answer.began > killed] == []
    assert len(load.failed) <= 16


async def test_at_200_requests_a_second_a_kill_costs_the_answers_that_had_begun(
    tmp_path: Path,
) -> None:
    """What has no answer yet is tried again elsewhere; of a stream, the client has a part."""
    backends = on_loopback(*NAMES)
    async with world(tmp_path, endpoints(backends), backends=backends) as gateway:
        streams = [await gateway.stream({}, 60) for _ in range(12)]
        async with asyncio.TaskGroup() as group:
            pace = Pace(gateway)
            told = group.create_task(pace.send(300))
            await until(lambda: len(pace.answers) > 100, "the load is on")
            await gateway.backends["one"].stop(signal.SIGKILL)
        for name in ("two", "three"):
            await gateway.get("/finish", f"http://{backends[name]}")
        whole = [await stream.whole() for stream in streams]

    assert told.result() == {200: 300}
    assert whole == ["one" not in stream.text for stream in streams]
    assert not all(whole)


async def test_without_retries_none_fails_after_the_ejection(tmp_path: Path) -> None:
    backends = on_loopback(*NAMES)
    slow = "consecutive_5xx: 5, interval: 200ms, base_ejection_time: 300s"
    settings = f"resilience: {{outlier_detection: {{{slow}}}, retry: {{attempts: 0}}}}"
    async with world(tmp_path, endpoints(backends), settings, backends=backends) as gateway:
        async with Load(gateway, workers=16, delay=0.005).going() as load:
            await gateway.backends["one"].stop(signal.SIGKILL)

            async def ejected() -> bool:
                return await gateway.stat(EJECTIONS) == 1

            await until(ejected, "the killed server is ejected")
            since = asyncio.get_running_loop().time()
            await load.more(1000)

    after = [answer for answer in load.answers if answer.began > since]
    assert {answer.served_by for answer in after} == {"two", "three"}
    assert load.failed, "without retries, requests to the killed server fail until its ejection"


async def test_retries_alone_save_every_request(tmp_path: Path) -> None:
    backends = on_loopback(*NAMES)
    settings = "resilience: {outlier_detection: {consecutive_5xx: 0}}"
    # The one that is gone would get nearly all of them.
    config = endpoints(backends, one=100)
    async with world(tmp_path, config, settings, backends=backends) as gateway:
        await gateway.backends["one"].stop(signal.SIGKILL)
        served = await gateway.count(600, workers=16)

    assert set(served) == {"two", "three"}


async def test_no_server_left_is_told_and_one_is_enough_again(tmp_path: Path) -> None:
    backends = on_loopback("one", "two")
    settings = f"resilience: {{outlier_detection: {{{QUICK}}}}}"
    async with world(tmp_path, endpoints(backends), settings, backends=backends) as gateway:
        for backend in gateway.backends.values():
            await backend.stop()
        assert (await gateway.ask()).status == 503
        await gateway.start_backend("two")

        async def answers() -> bool:
            return (await gateway.ask()).served_by == "two"

        await until(answers, "the server that came back serves")
