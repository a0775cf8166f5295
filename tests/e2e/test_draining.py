"""What leaves the configuration leaves when its last request is done."""

from pathlib import Path

import pytest

from e2e.world import World, endpoints, on_loopback, until, world
from xds.ports import HostPort, free_port

pytestmark = pytest.mark.each_envoy

FOREVER = float("inf")
OTHER = """\
resilience: {timeout: {connect: 1s, idle: 100s, request: 200s}}
routing: {model_header: x-other}
"""


async def only_stays(gateway: World) -> None:
    await until(lambda: gateway.served_by("stays"), "the one that stays serves alone")


async def change_all(gateway: World) -> None:
    """Change the settings of clusters, routes and listener."""
    settings = gateway.folder / "settings.yaml"
    settings.write_text(settings.read_text() + OTHER)

    async def changed() -> bool:
        clusters = await gateway.stat(r"cluster_manager\.cluster_modified")
        return clusters > 0 and await gateway.stat(r"listener_manager\.listener_modified") > 0

    await until(changed, "clusters and listener are others")
    await only_stays(gateway)


async def move_listener(gateway: World) -> None:
    port = free_port("127.0.0.1")
    settings = gateway.folder / "settings.yaml"
    settings.write_text(f"listener: {{address: 127.0.0.1, port: {port}}}\n{OTHER}")
    gateway.url = f"http://127.0.0.1:{port}"
    await until(lambda: gateway.listens(HostPort("127.0.0.1", port)), "the listener moved")
    await only_stays(gateway)


@pytest.mark.parametrize("removed", ["from its pool", "with its model"])
async def test_a_stream_survives_the_removal_of_its_endpoint_and_the_change_of_all_else(
    removed: str, tmp_path: Path
) -> None:
    backends = on_loopback("leaves", "stays")
    before, body = endpoints(backends, stays=0), {}
    if removed == "with its model":
        before = endpoints(backends) + "model_config:\n  old: {preferred_endpoints: [leaves]}\n"
        body = {"model": "old"}
    async with world(tmp_path, before, backends=backends) as gateway:
        stream = await gateway.stream(body, FOREVER)
        assert "leaves" in stream.text

        gateway.edit(endpoints({"stays": backends["stays"]}) + "model_config:\n  new: {}\n")
        await only_stays(gateway)
        await stream.more()

        await change_all(gateway)
        await stream.more()

        await move_listener(gateway)
        await stream.more()

        await gateway.get("/finish", f"http://{backends['leaves']}")
        assert await stream.whole()


async def test_a_stream_survives_the_draining_of_its_endpoint(tmp_path: Path) -> None:
    backends = on_loopback("leaves", "stays")
    async with world(tmp_path, endpoints(backends, stays=0), backends=backends) as gateway:
        stream = await gateway.stream({}, FOREVER)
        assert "leaves" in stream.text

        gateway.edit(endpoints(backends, leaves=0))
        await only_stays(gateway)
        await stream.more()

        await gateway.get("/finish", f"http://{backends['leaves']}")
        assert await stream.whole()
