"""What a model may take at once, and how long: its own limits, and none of another's."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from e2e.servers import servers
from e2e.world import endpoints, on_loopback, until, world

pytestmark = pytest.mark.each_envoy

FOREVER = float("inf")


async def test_a_model_may_take_longer_than_others(tmp_path: Path) -> None:
    settings = """\
resilience: {timeout: {request: 300ms, idle: 100s}}
models:
  patient: {resilience: {timeout: {request: 0s}}}
"""
    backends = on_loopback("a")
    config = f"{endpoints(backends)}model_config: {{patient: {{}}, hasty: {{}}}}\n"
    async with world(tmp_path, config, settings, backends=backends) as gateway:
        patient = await gateway.stream({"model": "patient"}, FOREVER)
        hasty = await gateway.stream({"model": "hasty"}, FOREVER)

        assert not await hasty.whole()
        await patient.more()
        await gateway.get("/finish", f"http://{backends['a']}")
        assert await patient.whole()

    told = {line["model"]: line["flags"] for line in gateway.access_log()}
    assert told == {"patient": "-", "hasty": "UT"}


async def test_a_model_may_be_silent_longer_than_others(tmp_path: Path) -> None:
    settings = """\
resilience: {timeout: {idle: 300ms}}
models:
  patient: {resilience: {timeout: {idle: 100s}}}
"""
    async with servers("a") as (a,):
        config = f"{endpoints({'a': a.where})}model_config: {{patient: {{}}, hasty: {{}}}}\n"
        async with world(tmp_path, config, settings, backends={}) as gateway:
            a.free.clear()
            patient = asyncio.create_task(gateway.ask({"model": "patient"}))
            assert (await gateway.ask({"model": "hasty"})).status == 504
            assert not patient.done()
            a.free.set()
            assert (await patient).status == 200


async def test_what_is_too_much_at_once_is_refused_and_counts_against_nobody(
    tmp_path: Path,
) -> None:
    settings = """\
resilience: {timeout: {request: 15s}}
models:
  narrow: {resilience: {circuit_breaker: {max_requests: 2}}}
"""
    async with servers("a") as (a,):
        config = f"{endpoints({'a': a.where})}model_config: {{narrow: {{}}, wide: {{}}}}\n"
        async with world(tmp_path, config, settings, backends={}) as gateway:
            a.free.clear()
            held = [asyncio.create_task(gateway.ask({"model": "narrow"})) for _ in range(2)]
            wide = [asyncio.create_task(gateway.ask({"model": "wide"})) for _ in range(3)]
            await until(lambda: a.asked == 5, "all that are let in have arrived")

            asking = (gateway.ask({"model": "narrow"}) for _ in range(10))
            refused = await asyncio.gather(*asking)
            assert {answer.status for answer in refused} == {503}
            assert json.loads(refused[0].text)["error"]["type"] == "server_error"
            assert a.asked == 5

            a.free.set()
            assert {(await each).status for each in (*held, *wide)} == {200}
            assert (await gateway.ask({"model": "narrow"})).status == 200
            ejections = r"cluster\.model/narrow\.outlier_detection\.ejections_enforced_total"
            assert await gateway.stat(ejections) == 0

    flags = Counter(line["flags"] for line in gateway.access_log() if line["model"] == "narrow")
    assert flags == {"UO": 10, "-": 3}


async def test_least_request_spares_who_is_busy(tmp_path: Path) -> None:
    """Of two endpoints taken at random, the one with fewer requests serves: three in four."""
    settings = "resilience: {lb_policy: least_request}\n"
    async with servers("idle", "busy") as (idle, busy):
        config = endpoints({each.name: each.where for each in (idle, busy)})
        async with world(tmp_path, config, settings, backends={}) as gateway:
            streams = [await gateway.stream({}, FOREVER) for _ in range(40)]
            idle.over.set()
            left = [stream for stream in streams if "idle" in stream.text]
            await asyncio.gather(*(stream.whole() for stream in left))
            assert len(left) < len(streams)
            served = await gateway.count(200)
            busy.over.set()
            assert all([await stream.whole() for stream in streams])

    assert served["busy"] < 80
