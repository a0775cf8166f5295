"""A gateway as `xds up` runs it, behind which are real servers."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from e2e.envoys import environment, version
from e2e.world import Process, World, until
from xds.ports import HostPort, free_port, listen_failure


@asynccontextmanager
async def gateway(
    folder: Path,
    config: str,
    *options: str,
    backends: dict[str, HostPort],
    stdout: int = asyncio.subprocess.PIPE,
) -> AsyncIterator[World]:
    """Run backends and `xds up`; yields when the gateway is ready."""
    where, admin = (HostPort("127.0.0.1", free_port("127.0.0.1")) for _ in range(2))
    here = World(folder, f"http://{where}", admin=f"http://{admin}", addresses=backends)
    here.config.write_text(config)
    settings = folder / "settings.yaml"
    settings.write_text(f"listener: {{address: 127.0.0.1, port: {where.port}}}\n")
    here.control_plane = Process(
        *(sys.executable, "-m", "xds", "up", str(here.config), "--settings", str(settings)),
        *("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--envoy-admin", str(admin)),
        *("--log-format", "json", *options),
        stdout=stdout,
        env=environment(),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(here.end)
        connector = aiohttp.TCPConnector(limit=0)
        here.session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        await asyncio.gather(*(here.start_backend(name) for name in backends))
        await here.control_plane.start()
        await here.control_plane.says("gateway ready")
        assert f'"version": "envoy {version()}.' in here.control_plane.output
        yield here


def envoy_of(process: Process) -> int:
    """Return the process id of the Envoy that a process started."""
    [pid] = process.children
    return pid


async def stop(process: Process, number: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal, and return the exit code, which must come soon."""
    process.send(number)
    await until(lambda: process.ended, "the end")
    return await process.stop()


async def gone(pid: int) -> None:
    """Wait until a process is no more."""

    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Whoever adopts it may take its time to ask how it ended.
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()

    await until(is_gone, f"process {pid} is gone")


def is_free(url: str) -> bool:
    """Tell whether another one could listen there now."""
    return listen_failure(HostPort.parse(url.removeprefix("http://"))) is None
