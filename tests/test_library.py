"""The example in the package's own words is run, and a real Envoy does what it says."""

import inspect
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

import xds
from e2e.world import Process, until
from xds.dataplane import bootstrap_json, envoy, find_envoy
from xds.ports import HostPort, free_port

HOST = "127.0.0.1"


def example() -> str:
    """Return the program that is indented in the docstring."""
    lines = inspect.cleandoc(xds.__doc__ or "").splitlines()
    inside = [line for line in lines if not line or line.startswith("    ")]
    return textwrap.dedent("\n".join(inside))


@asynccontextmanager
async def a_backend(port: int) -> AsyncIterator[None]:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield
    finally:
        await runner.cleanup()


async def test_the_example_serves_a_cluster_and_a_listener_to_an_envoy(tmp_path: Path) -> None:
    backend, listener, served = (free_port(HOST) for _ in range(3))
    program = tmp_path / "example.py"
    text = example()
    for stands, port in (("8000", backend), ("10000", listener), ("18000", served)):
        assert text.count(f"({stands})") + text.count(f":{stands}") == 1, stands
        text = text.replace(f"({stands})", f"({port})").replace(f":{stands}", f":{port}")
    program.write_text(text)
    control_plane = await Process(sys.executable, str(program)).start()
    try:
        await control_plane.says("serving on port")
        bootstrap = bootstrap_json(HostPort(HOST, 0), HostPort(HOST, served))
        async with (
            a_backend(backend),
            envoy(find_envoy(), bootstrap, concurrency=1, access_log=tmp_path / "envoy.log"),
            aiohttp.ClientSession() as session,
        ):

            async def answers() -> bool:
                try:
                    async with session.get(f"http://{HOST}:{listener}") as response:
                        return await response.text() == "hello"
                except aiohttp.ClientError:
                    return False

            await until(answers, "the backend answers through Envoy")
    finally:
        await control_plane.stop()
