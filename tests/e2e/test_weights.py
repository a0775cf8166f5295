"""Weights 3 and 1 are three requests and one."""

from pathlib import Path

import pytest

from e2e.world import endpoints, on_loopback, world

pytestmark = pytest.mark.each_envoy


async def test_of_4000_requests_3000_and_1000(tmp_path: Path) -> None:
    backends = on_loopback("primary", "secondary")
    config = endpoints(backends, primary=3)
    async with world(tmp_path, config, backends=backends) as gateway:
        served = await gateway.count(4000, workers=16)

    assert abs(served["primary"] - 3000) <= 60
    assert abs(served["secondary"] - 1000) <= 60


async def test_a_drained_endpoint_gets_nothing(tmp_path: Path) -> None:
    backends = on_loopback("stays", "leaves")
    config = endpoints(backends, leaves=0)
    async with world(tmp_path, config, backends=backends) as gateway:
        assert await gateway.count(100) == {"stays": 100}


async def test_two_names_of_one_server_take_the_traffic_of_both(tmp_path: Path) -> None:
    backends = on_loopback("one", "other")
    twice = endpoints(backends, one=2) + endpoints({"again": backends["one"]}).partition("\n")[2]
    async with world(tmp_path, twice, backends=backends) as gateway:
        assert await gateway.count(400) == {"one": 300, "other": 100}
