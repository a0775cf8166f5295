"""A server that somebody else wrote, as vLLM is on uvicorn, behind the gateway.

https://pypi.org/project/llm-katan/
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.world import Process, World, endpoints, on_loopback, until, world
from xds.ports import HostPort

pytestmark = pytest.mark.each_envoy

MODEL = "org/echo"


@asynccontextmanager
async def katan(folder: Path, where: HostPort) -> AsyncIterator[Process]:
    command = (sys.executable, "-m", "llm_katan.cli", "--model", MODEL, "--backend", "echo")
    server = Process(
        *(*command, "--host", where.host, "--port", str(where.port)),
        *("--stats-file", str(folder / f"{where.port}.json")),
    )
    try:
        await server.start()
        await server.says("Uvicorn running on")
        yield server
    finally:
        await server.stop(signal.SIGKILL)


async def chat(gateway: World, **more: Any) -> tuple[int, str]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello, katan"}], **more}
    path = f"{gateway.url}/v1/chat/completions"
    async with gateway.session.post(
        path, json=body, headers={"authorization": "Bearer any"}
    ) as got:
        return got.status, await got.text()


async def test_it_answers_streams_and_may_be_killed(tmp_path: Path) -> None:
    where = on_loopback("one", "two")
    config = f'{endpoints(where)}model_config: {{"{MODEL}": {{}}}}\n'
    settings = "resilience: {health_check: {path: /health, interval: 100ms}}\n"
    async with AsyncExitStack() as stack:
        one, _ = await asyncio.gather(
            *(stack.enter_async_context(katan(tmp_path, each)) for each in where.values())
        )
        async with world(tmp_path, config, settings, backends={}) as gateway:
            status, text = await chat(gateway)
            assert status == 200
            assert "hello, katan" in json.loads(text)["choices"][0]["message"]["content"]

            status, text = await chat(gateway, stream=True)
            assert status == 200
            assert text.endswith("data: [DONE]\n\n")

            await one.stop(signal.SIGKILL)
            answers = await asyncio.gather(*(chat(gateway) for _ in range(40)))
            assert {status for status, _ in answers} == {200}
            await until(lambda: found_gone(gateway), "its health check finds it gone")


async def found_gone(gateway: World) -> bool:
    return await gateway.stat(f"cluster.model/{MODEL}.health_check.failure") > 0
