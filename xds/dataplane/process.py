"""Know how an Envoy runs as a child process: its start, its readiness and its end."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from signal import strsignal
from typing import Final

import aiohttp

from xds.dataplane.binary import EnvoyError
from xds.dataplane.draining import drain
from xds.dataplane.words import LOG_FORMAT, tell
from xds.ports import HostPort
from xds.translate.bootstrap import Node, Protocol, bootstrap
from xds.translate.text import to_dict, to_json

_POLL: Final = 0.05
# How long an Envoy may take to end when it is told to.
_PATIENCE: Final = 5.0
_LAST_WORDS: Final = 1.0
_TETHER: Final = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class RunningEnvoy:
    """A ready Envoy: its admin address, and a task that ends when it does, with its exit code."""

    admin: str
    exited: asyncio.Task[int]

    async def ended(self) -> str:
        """Wait for its end, and return the words for it."""
        return _words(await asyncio.shield(self.exited))


def bootstrap_json(admin: HostPort, xds: HostPort, protocol: Protocol = Protocol.DELTA) -> str:
    """Return the bootstrap of an Envoy on this machine."""
    # Where a server listens on every address, the one to connect to is this machine's own.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(xds.host, xds.host)  # noqa: S104
    node = Node("envoy", "llm-gateway", admin.host, admin.port, host, xds.port, protocol=protocol)
    return to_json(to_dict(bootstrap(node)))


@asynccontextmanager
async def envoy(
    binary: Path,
    bootstrap: str,
    *,
    concurrency: int,
    access_log: Path | None = None,
    grace: float = 0,
) -> AsyncIterator[RunningEnvoy]:
    """Run an Envoy from a JSON bootstrap; yields once it is ready, and ends it afterwards.

    Its own log becomes part of ours; its access log goes to a file, or to our standard output.
    `grace` is how long requests in flight may take at the end, in seconds. Raises EnvoyError if it
    ends before it is ready.
    """
    with tempfile.TemporaryDirectory() as folder:
        config, admin = Path(folder, "bootstrap.json"), Path(folder, "admin")
        config.write_text(bootstrap)
        # Handed down, the access log is written by Envoy itself: we can neither lose nor delay it.
        with access_log.open("ab") if access_log else nullcontext() as output:
            process = await asyncio.create_subprocess_exec(
                *_command(binary, config, admin, concurrency),
                stdout=output,
                stderr=asyncio.subprocess.PIPE,
                # A Ctrl-C is for us; Envoy is ended when its work is done.
                start_new_session=True,
            )
        exited = asyncio.create_task(_exited(process))
        try:
            running = RunningEnvoy(await _ready(exited, admin), exited)
            try:
                yield running
            finally:
                if grace and not exited.done():
                    await drain(running.admin, grace)
        finally:
            await _end(process, exited)


def _command(binary: Path, config: Path, admin: Path, concurrency: int) -> tuple[str, ...]:
    return (
        *_tether(),
        *(str(binary), "-c", str(config), "--admin-address-path", str(admin)),
        *("--concurrency", str(concurrency), "--log-level", "warn", "--log-format", LOG_FORMAT),
        # Hot restart shares memory between all Envoys of one base id on the machine.
        "--disable-hot-restart",
    )


def _tether() -> tuple[str, ...]:
    """Return the command that has Envoy end with us, even if we are killed."""
    if sys.platform != "linux":
        return ()
    return (sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()))


async def _exited(process: asyncio.subprocess.Process) -> int:
    """Tell what a process says, and return its exit code when it ended and all is told."""
    assert process.stderr is not None  # noqa: S101  it is piped
    telling = asyncio.create_task(tell(process.stderr))
    code = await process.wait()
    # Whatever it started itself may hold the pipe open.
    await asyncio.wait({telling}, timeout=_LAST_WORDS)
    telling.cancel()
    return code


async def _ready(exited: asyncio.Task[int], admin: Path) -> str:
    """Return the admin address once Envoy has all of its first configuration."""
    async with aiohttp.ClientSession() as session:
        while not exited.done():
            address = admin.read_text() if admin.exists() else ""
            if address and await _is_live(session, address):
                return address
            # Envoy has no way to tell us; it is asked until it answers or ends.
            await asyncio.wait({exited}, timeout=_POLL)
    message = f"{_words(exited.result())} before it was ready"
    raise EnvoyError(message)


async def _is_live(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with session.get(f"http://{address}/ready") as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False


def _words(code: int) -> str:
    if code < 0:
        return f"Envoy was ended by signal {-code}, {strsignal(-code)}"
    return f"Envoy ended with exit code {code}"


async def _end(process: asyncio.subprocess.Process, exited: asyncio.Task[int]) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait({exited}, timeout=_PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait({exited})
