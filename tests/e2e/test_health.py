"""Who serves, by what endpoints say of their own health, and whose turn it is then."""

from pathlib import Path

import pytest

from e2e.servers import Server, servers
from e2e.world import World, endpoints, until, world

pytestmark = pytest.mark.each_envoy

CHECKED = "resilience: {health_check: {path: /health, interval: 100ms, timeout: 5s}}\n"


def config_of(*all_of_them: Server, **weights: int) -> str:
    return endpoints({server.name: server.where for server in all_of_them}, **weights)


async def served_by(gateway: World, *names: str) -> None:
    await until(lambda: gateway.served_by(*names), f"just {names} serve")


async def test_who_is_not_well_gets_nothing_until_it_is_again(tmp_path: Path) -> None:
    async with servers("one", "two") as (one, two):
        async with world(tmp_path, config_of(one, two), CHECKED, backends={}) as gateway:
            await served_by(gateway, "one", "two")
            two.health = 503
            await served_by(gateway, "one")
            asked = two.asked
            assert await gateway.count(50, workers=4) == {"one": 50}
            assert two.asked == asked
            two.health = 200
            await served_by(gateway, "one", "two")


async def test_the_last_one_that_is_well_serves_alone_and_when_none_is_all_do(
    tmp_path: Path,
) -> None:
    """Envoy would let all serve as soon as half of them are not well."""
    async with servers("one", "two", "three") as (one, two, three):
        config = config_of(one, two, three)
        async with world(tmp_path, config, CHECKED, backends={}) as gateway:
            two.health = three.health = 503
            await served_by(gateway, "one")
            assert await gateway.count(50, workers=4) == {"one": 50}
            one.health = 503
            await served_by(gateway, "one", "two", "three")


async def test_the_next_tier_serves_while_the_first_is_not_well_and_gives_back(
    tmp_path: Path,
) -> None:
    settings = f"{CHECKED}endpoints: {{spare: {{priority: 1}}}}\n"
    async with servers("one", "two", "spare") as (one, two, spare):
        config = config_of(one, two, spare)
        async with world(tmp_path, config, settings, backends={}) as gateway:
            await served_by(gateway, "one", "two")
            one.health = two.health = 503
            await served_by(gateway, "spare")
            assert await gateway.count(50, workers=4) == {"spare": 50}
            one.health = two.health = 200
            await served_by(gateway, "one", "two")
            assert set(await gateway.count(50, workers=4)) == {"one", "two"}


async def test_the_last_try_is_made_on_the_next_tier(tmp_path: Path) -> None:
    """No request fails, though nothing is known yet of the first tier but that it refuses."""
    settings = "endpoints: {spare: {priority: 1}}\n"
    async with servers("gone", "spare") as (gone, spare):
        async with world(tmp_path, config_of(gone, spare), settings, backends={}) as gateway:
            await served_by(gateway, "gone")
            await gone.end()
            assert await gateway.count(20) == {"spare": 20}


async def test_who_is_drained_gets_nothing_while_any_other_is_well(tmp_path: Path) -> None:
    async with servers("one", "two", "drained") as (one, two, drained):
        config = config_of(one, two, drained, drained=0)
        async with world(tmp_path, config, CHECKED, backends={}) as gateway:
            await served_by(gateway, "one", "two")
            two.health = 503
            await served_by(gateway, "one")
            assert await gateway.count(50, workers=4) == {"one": 50}
            assert drained.asked == 0

            # In its panic, Envoy makes no difference between endpoints.
            one.health = 503
            await served_by(gateway, "one", "two", "drained")
