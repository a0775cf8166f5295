"""Every example of the router's own document on endpoints, with its addresses moved to loopback.

https://vllm-semantic-router.com/docs/cookbook/vllm-endpoints
"""

import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.world import Load, until, world
from xds.ports import HostPort, free_port

CASES = Path(__file__).parent.parent / "cases"


def moved(case: str) -> tuple[str, dict[str, HostPort]]:
    """Return a case's text with each address on loopback and a free port, and its endpoints."""
    text = (CASES / case / "config.yaml").read_text()
    text = re.sub(r'"(?:10|172)\.(\d+\.\d+\.\d+)"', r'"127.\1"', text)
    text = text.replace("2001:db8::1", "::1")
    text = re.sub(r"port: 800\d", f"port: {free_port('::1' if '::1' in text else '')}", text)
    data: dict[str, Any] = yaml.safe_load(text)
    return text, {
        endpoint["name"]: HostPort(endpoint["address"], endpoint["port"])
        for endpoint in data["vllm_endpoints"]
    }


@pytest.mark.parametrize(
    "case",
    ["basic-endpoint", "ipv6-endpoint", "docker-compose-static-address", "kubernetes-cluster-ip"],
)
async def test_one_endpoint_serves_everything(case: str, tmp_path: Path) -> None:
    config, backends = moved(case)
    [name] = backends
    async with world(tmp_path, config, backends=backends) as gateway:
        assert await gateway.count(20, {"model": "any"}) == {name: 20}


async def test_weights_are_shares(tmp_path: Path) -> None:
    config, backends = moved("weights-three-to-one")
    async with world(tmp_path, config, backends=backends, concurrency=1) as gateway:
        assert await gateway.count(400) == {"primary": 300, "secondary": 100}


async def test_each_model_has_its_endpoint(tmp_path: Path) -> None:
    config, backends = moved("models-to-endpoints")
    async with world(tmp_path, config, backends=backends) as gateway:
        assert await gateway.count(50, {"model": "qwen3"}) == {"gpu_cluster_a": 50}
        assert await gateway.count(50, {"model": "llama"}) == {"gpu_cluster_b": 50}


async def test_high_availability_survives_the_loss_of_the_main_endpoint(tmp_path: Path) -> None:
    config, backends = moved("high-availability")
    async with world(tmp_path, config, backends=backends, concurrency=1) as gateway:
        shares = {"dc1-primary": 200, "dc1-secondary": 100, "dc2-primary": 100}
        assert await gateway.count(400) == shares
        await gateway.backends["dc1-primary"].stop(signal.SIGKILL)
        served = await gateway.count(400)

    assert set(served) == {"dc1-secondary", "dc2-primary"}


async def test_the_other_data_centre_takes_over_when_priorities_say_so(tmp_path: Path) -> None:
    config, backends = moved("high-availability")
    settings = """
endpoints: {dc2-primary: {priority: 1, zone: dc2}}
resilience: {outlier_detection: {consecutive_5xx: 1, interval: 200ms, base_ejection_time: 200ms}}
"""
    async with world(tmp_path, config, settings, backends=backends) as gateway:
        main = ("dc1-primary", "dc1-secondary")
        assert await gateway.served_by(*main)
        async with Load(gateway).going() as load:
            for name in main:
                await gateway.backends[name].stop()
            await until(lambda: gateway.served_by("dc2-primary"), "dc2 takes over")
            for name in main:
                await gateway.start_backend(name)
            await until(lambda: gateway.served_by(*main), "dc1 takes back")

    assert load.failed == []
