"""A world to test in: real servers, a real control plane and a real Envoy, all on loopback."""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import aiohttp

from e2e.envoys import chosen
from xds.dataplane import RunningEnvoy, bootstrap_json, envoy
from xds.ports import HostPort, free_port

BACKEND = Path(__file__).with_name("backend.py")
PATIENCE = 20.0


async def until(
    holds: Callable[[], Awaitable[bool]] | Callable[[], bool],
    what: str,
    patience: float = PATIENCE,
) -> None:
    """Wait until something holds; fail when it still does not after `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            while True:
                found = holds()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        message = f"not within {patience} s: {what}"
        raise AssertionError(message) from None


class Process:
    """A child process, with all that it writes; its standard output may go elsewhere."""

    def __init__(
        self,
        *command: str,
        stdout: int = asyncio.subprocess.PIPE,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._env = env
        self._stdout = stdout
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.output = ""

    async def start(self) -> Self:
        self.output = ""
        together = self._stdout == asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._env,
            stdout=self._stdout,
            stderr=asyncio.subprocess.STDOUT if together else asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout or process.stderr
        assert stream is not None
        while line := await stream.readline():
            self.output += line.decode()

    async def says(self, text: str) -> None:
        await until(lambda: text in self.output or self.ended, f"{self._command} says {text!r}")
        assert text in self.output, self.output

    @property
    def ended(self) -> bool:
        return self._process is None or self._process.returncode is not None

    @property
    def children(self) -> list[int]:
        """The processes that it started and that are there."""
        assert self._process is not None
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self._process is not None and not self.ended:
            self._process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, unless the process has ended, and return its exit code."""
        if self._process is None or self._reading is None:
            return 0
        self.send(number)
        code = await self._process.wait()
        await self._reading
        return code


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: its status (0 without any), who served it, when it began."""

    status: int
    served_by: str
    began: float
    ended: float
    text: str = ""

    @property
    def failed(self) -> bool:
        return self.status != HTTPStatus.OK


@dataclass
class World:
    """A gateway of which everything is real."""

    folder: Path
    url: str = ""
    xds_port: int = 0
    xds_admin: str = ""
    admin: str = ""
    backends: dict[str, Process] = field(default_factory=dict)
    addresses: dict[str, HostPort] = field(default_factory=dict)
    certificates: Mapping[str, Path] = field(default_factory=dict)
    session: aiohttp.ClientSession = field(init=False)
    control_plane: Process = field(init=False)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.yaml"

    def edit(self, text: str) -> None:
        """Replace the configuration as careful programs do: by a rename."""
        new = self.folder / "config.yaml.new"
        new.write_text(text)
        new.replace(self.config)

    async def serve(self) -> None:
        await self.control_plane.start()
        await self.control_plane.says("serving")

    async def ask(
        self,
        body: Any = None,
        *,
        header: str | None = None,
        path: str = "/v1/chat/completions",
        delay: float = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, with a JSON body unless it is bytes."""
        sent = {"content-type": "application/json", "x-delay": str(delay), **(headers or {})}
        if header is not None:
            sent["x-selected-model"] = header
        data = BytesIO(body if isinstance(body, bytes) else json.dumps(body or {}).encode())
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self.session.post(self.url + path, data=data, headers=sent) as response:
                text = await response.text()
        except aiohttp.ClientError as error:
            return Answer(0, "", began, loop.time(), repr(error))
        name = json.loads(text)["served_by"] if response.status == HTTPStatus.OK else ""
        return Answer(response.status, name, began, loop.time(), text)

    async def stream(self, body: Any, seconds: float) -> "Stream":
        """Begin a request that is answered in pieces for some time; return when it has begun."""
        return await Stream(self, body, seconds).begin()

    async def count(self, requests: int, body: Any = None, workers: int = 1) -> Counter[str]:
        """Send requests and return how many each backend served; none may fail."""
        left = iter(range(requests))
        served: Counter[str] = Counter()

        async def work() -> None:
            for _ in left:
                answer = await self.ask(body)
                assert not answer.failed, answer
                served[answer.served_by] += 1

        await asyncio.gather(*(work() for _ in range(workers)))
        return served

    async def served_by(self, *names: str, body: Any = None) -> bool:
        """Tell whether just these backends serve, as far as a few requests show.

        Beside a load, the turns may fall so that a few requests meet one backend alone.
        """
        return set(await self.count(8 * len(names), body)) == set(names)

    async def get(self, path: str, address: str = "") -> str:
        async with self.session.get((address or self.url) + path) as response:
            return await response.text()

    async def status(self) -> Any:
        """Return what the control plane tells of its configuration."""
        return json.loads(await self.get("/status", self.xds_admin))["config"]

    def access_log(self) -> list[Any]:
        """Return what Envoy wrote of each request; whole when its world has ended."""
        log = self.folder / "envoy.log"
        return [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]

    async def stat(self, name: str) -> int:
        text = await self.get(f"/stats?filter=^{name}$", self.admin)
        return int(text.rpartition(": ")[2] or 0)

    async def end(self) -> None:
        """End what was started, whatever became of it."""
        await self.control_plane.stop()
        for backend in self.backends.values():
            await backend.stop(signal.SIGKILL)

    async def start_backend(self, name: str) -> None:
        where = self.addresses[name]
        pem = [str(self.certificates[name])] if name in self.certificates else []
        command = (sys.executable, str(BACKEND), name, where.host, str(where.port), *pem)
        self.backends[name] = await Process(*command).start()
        await until(lambda: self.listens(where), f"{name} listens on {where}")

    async def listens(self, where: HostPort) -> bool:
        """Tell whether something listens there."""
        try:
            _, writer = await asyncio.open_connection(where.host, where.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


class Stream:
    """One answer that comes in pieces, and is read as they come."""

    def __init__(self, world: World, body: Any, seconds: float) -> None:
        self._world = world
        self._body = body
        self._seconds = seconds
        self._reading: asyncio.Task[None] | None = None
        self.text = ""

    async def begin(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        await until(lambda: bool(self.text) or self.ended, "the stream has begun")
        return self

    async def more(self) -> None:
        """Wait for another piece."""
        before = len(self.text)
        await until(lambda: len(self.text) > before or self.ended, "another piece")
        assert not self.ended, self.text

    async def whole(self) -> bool:
        """Wait for the end, and tell whether nothing was cut off."""
        assert self._reading is not None
        await self._reading
        return self.text.endswith("data: [DONE]\n\n")

    def leave(self) -> None:
        """Go away in the middle of it."""
        assert self._reading is not None
        self._reading.cancel()

    @property
    def ended(self) -> bool:
        return self._reading is None or self._reading.done()

    async def _read(self) -> None:
        headers = {"x-stream": str(self._seconds)}
        asking = self._world.session.post(self._world.url, json=self._body, headers=headers)
        try:
            async with asking as response:
                async for piece in response.content.iter_any():
                    self.text += piece.decode()
        except aiohttp.ClientError as error:
            self.text += repr(error)


class Load:
    """Requests without pause by some workers, until it is stopped."""

    def __init__(self, world: World, body: Any = None, workers: int = 8, delay: float = 0) -> None:
        self._world = world
        self._body = body
        self._workers = workers
        self._delay = delay
        self._going = True
        self.answers: list[Answer] = []

    @asynccontextmanager
    async def going(self) -> AsyncIterator[Self]:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())
            try:
                await self.more(self._workers)
                yield self
                await self.more(2 * self._workers)
            finally:
                self._going = False

    async def more(self, requests: int) -> None:
        """Wait for some more answers."""
        enough = len(self.answers) + requests
        await until(lambda: len(self.answers) >= enough, f"{requests} more answers")

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.failed]

    async def _work(self) -> None:
        while self._going:
            self.answers.append(await self._world.ask(self._body, delay=self._delay))


@asynccontextmanager
async def world(
    folder: Path,
    config: str,
    settings: str = "",
    *,
    backends: dict[str, HostPort],
    certificates: Mapping[str, Path] | None = None,
    concurrency: int = 2,
    options: tuple[str, ...] = (),
    under: tuple[str, ...] = (),
) -> AsyncIterator[World]:
    """Run backends, a control plane for a configuration, and an Envoy that follows it.

    A backend with a certificate, in one file with its key, speaks TLS.
    """
    gateway = free_port("127.0.0.1")
    here = World(folder, f"http://127.0.0.1:{gateway}", free_port("127.0.0.1"), addresses=backends)
    admin = f"127.0.0.1:{free_port('127.0.0.1')}"
    here.xds_admin = f"http://{admin}"
    here.certificates = certificates or {}
    here.config.write_text(config)
    here.settings.write_text(f"listener: {{address: 127.0.0.1, port: {gateway}}}\n{settings}")
    xds = HostPort("127.0.0.1", here.xds_port)
    here.control_plane = Process(
        *(*under, sys.executable, "-m", "xds", "serve", str(here.config), "--listen", str(xds)),
        *("--settings", str(here.settings), "--log-level", "debug"),
        *("--admin", admin, *options),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(here.end)
        await asyncio.gather(here.serve(), *(here.start_backend(name) for name in backends))
        running = await stack.enter_async_context(_envoy(xds, folder, concurrency))
        here.admin = f"http://{running.admin}"
        connector = aiohttp.TCPConnector(limit=0)
        here.session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield here


@asynccontextmanager
async def _envoy(xds: HostPort, folder: Path, concurrency: int) -> AsyncIterator[RunningEnvoy]:
    bootstrap = bootstrap_json(HostPort("127.0.0.1", 0), xds)
    log = folder / "envoy.log"
    async with envoy(chosen(), bootstrap, concurrency=concurrency, access_log=log) as running:
        yield running


def on_loopback(*names: str, host: str = "127.0.0.1") -> dict[str, HostPort]:
    """Return an address for each backend."""
    return {name: HostPort(host, free_port(host)) for name in names}


def endpoints(addresses: dict[str, HostPort], **weights: int) -> str:
    """Return `vllm_endpoints` with every backend, and the weights of some."""
    return "vllm_endpoints:\n" + "".join(
        f'  - {{name: "{name}", address: "{where.host}", port: {where.port},'
        f" weight: {weights.get(name, 1)}}}\n"
        for name, where in addresses.items()
    )
