"""What becomes of connections: whose server is about to close them, and whose client has gone."""

import asyncio
from pathlib import Path

import pytest

from e2e.servers import servers
from e2e.world import World, endpoints, until, world

pytestmark = pytest.mark.each_envoy

CLUSTER = r"cluster\.all-endpoints\."


async def test_an_idle_connection_is_closed_before_its_server_closes_it(tmp_path: Path) -> None:
    """A server that closes first would at times do so while the next request is on its way."""
    settings = "resilience: {timeout: {upstream_idle: 250ms}, retry: {attempts: 0}}\n"
    async with servers("a", keepalive=1) as (a,):
        config = endpoints({"a": a.where})
        async with world(tmp_path, config, settings, backends={}) as gateway:

            async def ask_now_and_then(number: int) -> None:
                for turn in range(10):
                    assert not (await gateway.ask()).failed
                    await asyncio.sleep(0.2 + (number * 10 + turn) / 1000)

            await asyncio.gather(*(ask_now_and_then(number) for number in range(10)))
            await all_closed(gateway)
            assert await gateway.stat(f"{CLUSTER}upstream_cx_idle_timeout") > 1
            assert await gateway.stat(f"{CLUSTER}upstream_cx_destroy_remote") == 0


async def all_closed(gateway: World) -> None:
    async def are_closed() -> bool:
        return await gateway.stat(f"{CLUSTER}upstream_cx_active") == 0

    await until(are_closed, "no connection is left")


async def test_who_goes_away_is_not_worked_for_any_longer(tmp_path: Path) -> None:
    async with servers("a") as (a,):
        async with world(tmp_path, endpoints({"a": a.where}), backends={}) as gateway:
            a.free.clear()
            waits = asyncio.create_task(gateway.ask())
            await until(lambda: a.asked == 1, "the request has arrived")
            waits.cancel()
            await until(lambda: a.abandoned == 1, "the server is told")

            reads = await gateway.stream({}, 0)
            reads.leave()
            await until(lambda: a.abandoned == 2, "the server is told in the middle of an answer")


async def test_an_event_is_not_held_back(tmp_path: Path) -> None:
    """The server ends its stream only when the client has read of it."""
    async with servers("a") as (a,):
        async with world(tmp_path, endpoints({"a": a.where}), backends={}) as gateway:
            stream = await gateway.stream({}, 0)
            assert stream.text == "data: a\n\n"
            for _ in range(3):
                await stream.more()
            a.over.set()
            assert await stream.whole()
