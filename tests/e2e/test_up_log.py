"""What `xds up` writes: our own log, Envoy's words in it, and the access log, each line whole."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from e2e.gateway import gateway, stop
from e2e.world import endpoints, on_loopback, until
from xds.ports import HostPort

pytestmark = pytest.mark.each_envoy

REQUESTS = 10_000
CONNECTIONS = 8


async def test_envoys_words_are_lines_of_our_log_under_its_own_level(tmp_path: Path) -> None:
    backends = on_loopback("one")
    async with gateway(tmp_path, endpoints(backends), backends=backends) as here:
        assert (await here.ask()).status == 200
        await stop(here.control_plane)

    lines = [json.loads(line) for line in here.control_plane.output.splitlines()]
    ours = [line["event"] for line in lines if "event" in line and "envoy" not in line]
    envoys = {(line["envoy"], line["level"], line["event"]) for line in lines if "envoy" in line}
    requests = [line["upstream_cluster"] for line in lines if "event" not in line]
    assert "gateway ready" in ours
    assert ("main", "warning", "caught ENVOY_SIGTERM") in envoys
    assert requests == ["all-endpoints"]


async def ask(where: HostPort, requests: int) -> None:
    """Send requests over one connection, and read the answers."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    for _ in range(requests):
        writer.write(b"GET /v1/models HTTP/1.1\r\nhost: gateway\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


def read_whole(pipe: int) -> list[str]:
    with os.fdopen(pipe) as file:
        return file.read().splitlines()


async def test_an_access_log_that_nobody_reads_blocks_nothing_and_is_whole(tmp_path: Path) -> None:
    backends = on_loopback("one")
    config = endpoints(backends) + "model_config:\n  qwen3: {}\n"
    ours, envoys = os.pipe()
    async with gateway(tmp_path, config, backends=backends, stdout=envoys) as here:
        os.close(envoys)
        where = HostPort.parse(here.url.removeprefix("http://"))
        async with asyncio.timeout(60):
            await asyncio.gather(*(ask(where, REQUESTS // CONNECTIONS) for _ in range(CONNECTIONS)))
        asked = REQUESTS

        async def counts() -> bool:
            nonlocal asked
            asked += 1
            return "llama" in await here.get("/v1/models")

        here.edit(config.replace("qwen3", "llama"))
        await until(counts, "an edit counts meanwhile")

        reading = asyncio.create_task(asyncio.to_thread(read_whole, ours))
        assert await stop(here.control_plane) == 0
        lines = await reading

    assert [json.loads(line)["code"] for line in lines] == [200] * asked
