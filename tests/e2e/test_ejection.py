"""An endpoint that fails is left out, by what requests feel of it alone, and taken back."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.pace import Pace
from e2e.servers import Server, servers
from e2e.world import PATIENCE, World, endpoints, until, world
from xds.ports import HostPort, free_port

pytestmark = pytest.mark.each_envoy

LONG = "outlier_detection: {consecutive_5xx: 5, interval: 200ms, base_ejection_time: 300s}"
SHORT = "outlier_detection: {consecutive_5xx: 5, interval: 100ms, base_ejection_time: 500ms}"
EJECTED = r"cluster\.all-endpoints\.outlier_detection\.ejections_active"
EVER_EJECTED = r"cluster\.all-endpoints\.outlier_detection\.ejections_enforced_total"


def config_of(*all_of_them: Server) -> str:
    return endpoints({server.name: server.where for server in all_of_them})


async def ejected(gateway: World, count: int) -> None:
    async def are_ejected() -> bool:
        return await gateway.stat(EJECTED) == count

    await until(are_ejected, f"{count} are ejected")


async def test_of_a_server_that_answers_500_to_all_five_reach_a_client(tmp_path: Path) -> None:
    """The fifth ejects it; what more of them there are was on its way before all threads knew."""
    async with servers("one", "two", "bad") as (one, two, bad):
        config = config_of(one, two, bad)
        async with world(tmp_path, config, f"resilience: {{{LONG}}}", backends={}) as gateway:
            bad.status = 500
            pace = Pace(gateway)
            async with asyncio.TaskGroup() as group:
                told = group.create_task(pace.send(200))
                await ejected(gateway, 1)
                since = asyncio.get_running_loop().time()

    failed = [answer for answer in pace.answers if answer.failed]
    assert told.result().keys() == {200, 500}
    assert [answer for answer in failed if answer.began > since] == []
    spared = [answer for answer in pace.answers if answer.began > since]
    assert len(spared) > 60, "a third of these would have failed"
    assert 5 <= len(failed) == bad.asked < len(pace.answers) / 10


async def test_beside_those_only_what_was_on_its_way_when_it_was_ejected(tmp_path: Path) -> None:
    """Five in a row are counted by all of Envoy's threads together, wherever they arrive."""
    async with servers("one", "two", "bad") as (one, two, bad):
        config = config_of(one, two, bad)
        async with world(tmp_path, config, f"resilience: {{{LONG}}}", backends={}) as gateway:
            bad.status, bad.free = 500, asyncio.Event()
            held = [asyncio.create_task(gateway.ask()) for _ in range(60)]
            everyone = (one, two, bad)
            await until(lambda: sum(each.asked for each in everyone) == 60, "all have arrived")
            on_their_way = bad.asked
            bad.free.set()
            answers = await asyncio.gather(*held)
            await ejected(gateway, 1)
            assert set(await gateway.count(60)) == {"one", "two"}

    assert Counter(answer.status for answer in answers)[500] == on_their_way == bad.asked > 5


async def test_none_reaches_a_client_where_answers_of_500_are_tried_again(tmp_path: Path) -> None:
    settings = f"resilience: {{{LONG}, retry: {{on: 5xx, attempts: 2}}}}"
    async with servers("one", "two", "bad") as (one, two, bad):
        async with world(tmp_path, config_of(one, two, bad), settings, backends={}) as gateway:
            bad.status = 500
            told = await Pace(gateway).send(100)

    assert told == {200: 100}
    assert 5 <= bad.asked < 30


async def test_an_ejected_server_comes_back_and_goes_again_while_it_fails(tmp_path: Path) -> None:
    async with servers("good", "bad") as (good, bad):
        config = config_of(good, bad)
        async with world(tmp_path, config, f"resilience: {{{SHORT}}}", backends={}) as gateway:

            async def fails_until_ejected(times: int) -> bool:
                await gateway.ask()
                return await gateway.stat(EVER_EJECTED) == times

            bad.status = 500
            await until(lambda: fails_until_ejected(1), "it is ejected")
            await ejected(gateway, 0)
            await until(lambda: fails_until_ejected(2), "it is ejected again")
            bad.status = 200
            await ejected(gateway, 0)
            assert set(await gateway.count(20)) == {"good", "bad"}


async def test_a_server_that_is_well_when_asked_but_fails_all_the_same_stays_ejected(
    tmp_path: Path,
) -> None:
    settings = (
        f"resilience: {{{LONG}, health_check: {{path: /health, interval: 100ms, timeout: 5s}}}}"
    )
    async with servers("good", "bad") as (good, bad):
        async with world(tmp_path, config_of(good, bad), settings, backends={}) as gateway:
            bad.status = 500
            answers = [await gateway.ask() for _ in range(20)]
            await ejected(gateway, 1)
            assert 5 <= Counter(answer.status for answer in answers)[500] < 10
            checked = bad.checked
            await until(lambda: bad.checked >= checked + 3, "it was found well again")
            assert await gateway.count(20) == {"good": 20}


async def test_none_waits_longer_than_told_for_a_server_that_hangs(tmp_path: Path) -> None:
    settings = f"resilience: {{{LONG}, timeout: {{request: 400ms}}}}"
    async with servers("one", "two", "hangs") as (one, two, hangs):
        config = config_of(one, two, hangs)
        async with world(tmp_path, config, settings, backends={}) as gateway:
            hangs.free.clear()
            async with asyncio.timeout(PATIENCE):
                answers = [await gateway.ask() for _ in range(30)]
            await ejected(gateway, 1)
            told = gateway.access_log

    statuses = Counter(answer.status for answer in answers)
    assert statuses.keys() == {200, 504}
    assert 5 <= statuses[504] == hangs.asked == hangs.abandoned < 10
    assert {line["flags"] for line in told() if line["code"] == 504} == {"UT"}


@pytest.fixture
def black_hole() -> Iterator[HostPort]:
    """Give the address of a machine that neither takes connections nor refuses them."""
    where = HostPort("127.0.0.1", free_port("127.0.0.1"))
    with ExitStack() as stack:
        listens = stack.enter_context(socket.create_server((where.host, where.port), backlog=0))
        while True:
            knocks = stack.enter_context(socket.socket())
            knocks.settimeout(0.2)
            try:
                knocks.connect(listens.getsockname())
            except TimeoutError:
                break
        yield where


async def test_a_machine_that_does_not_answer_costs_no_request(
    tmp_path: Path, black_hole: HostPort
) -> None:
    settings = f"resilience: {{{LONG}, timeout: {{connect: 200ms, request: 3s}}}}"
    async with servers("one") as (one,):
        config = endpoints({"one": one.where, "gone": black_hole})
        async with world(tmp_path, config, settings, backends={}) as gateway:
            assert await gateway.count(20) == {"one": 20}
            await ejected(gateway, 1)
