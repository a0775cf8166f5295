"""A server of ours in this process, and an Envoy that it serves."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap

from e2e.engine.dump import Contents, contents, dumped
from e2e.engine.resources import HOST
from e2e.envoys import installed
from e2e.world import until
from xds.dataplane import envoy
from xds.ports import free_port
from xds.resources import ROUTES, Resource
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.status import TypeStatus
from xds.store import SnapshotStore
from xds.translate.bootstrap import Node, Protocol, bootstrap
from xds.translate.text import to_dict, to_json

# Shorter than the 15 s for which Envoy waits, and the 20 s for which the server holds things back:
# nothing may come to pass only because somebody gave up waiting.
PATIENCE: Final = 10.0


@dataclass
class Served:
    """A server, its store, and an Envoy."""

    node: Node
    store: SnapshotStore = field(default_factory=SnapshotStore)
    ads: AdsServer = field(init=False)
    admin: str = ""
    session: aiohttp.ClientSession = field(init=False)

    async def start(self, *published: Snapshot) -> None:
        """Start a server that knows nothing but what it is given here, on the same port."""
        self.store = SnapshotStore()
        for snapshot in published:
            self.store.publish(snapshot)
        self.ads = AdsServer(self.store)
        await self.ads.start(f"{HOST}:{self.node.xds_port}")

    async def stop(self) -> None:
        await self.ads.stop(0)

    async def follow(self, *resources: Resource) -> Snapshot:
        """Publish resources and wait until Envoy has them, all of them, and nothing else."""
        snapshot = Snapshot.build(resources)
        self.store.publish(snapshot)
        await self.in_force(snapshot)
        return snapshot

    async def in_force(self, snapshot: Snapshot) -> None:
        """Wait until Envoy is connected, accepted a snapshot, and has what is in it."""
        last: Contents = {}
        wanted = contents(snapshot)

        async def is_in_force() -> bool:
            nonlocal last
            if not all(self.has_accepted(url, snapshot) for url in wanted):
                return False
            last = await self.dump()
            # The routes of a listener that is gone stay until its last connection is.
            last[ROUTES] = {
                name: each
                for name, each in last[ROUTES].items()
                if name in snapshot.of_type(ROUTES)
            }
            return last == wanted

        try:
            await until(is_in_force, "a snapshot is in force", PATIENCE)
        except AssertionError as error:
            for type_url in last:
                if last[type_url] != wanted[type_url]:
                    error.add_note(f"Envoy has {last[type_url]}, not {wanted[type_url]}")
            error.add_note(f"the server says {self.ads.status()}")
            raise

    def has_accepted(self, type_url: str, snapshot: Snapshot) -> bool:
        """Tell whether Envoy has accepted what a snapshot holds of a type."""
        state = self.status(type_url)
        if state is None:
            return not snapshot.of_type(type_url)
        accepted = state.version_sent == state.version_acked == snapshot.version(type_url)
        return accepted and state.refusal is None

    def status(self, type_url: str) -> TypeStatus | None:
        """Return where the conversation about a type stands, on whichever stream it is."""
        for stream in self.ads.status().streams:
            if type_url in stream.types:
                return stream.types[type_url]
        return None

    async def refused(self, type_url: str) -> TypeStatus:
        """Wait until Envoy refused something of a type."""

        def is_refused() -> bool:
            state = self.status(type_url)
            return state is not None and state.refusal is not None

        await until(is_refused, f"Envoy refuses {type_url}", PATIENCE)
        state = self.status(type_url)
        assert state is not None
        return state

    async def get(self, path: str) -> Any:
        async with self.session.get(f"http://{self.admin}{path}") as response:
            return json.loads(await response.text())

    async def stats(self, pattern: str) -> dict[str, int]:
        """Return Envoy's counters and gauges whose names hold a regular expression."""
        found = await self.get(f"/stats?format=json&filter={pattern}")
        return {each["name"]: each["value"] for each in found["stats"] if "name" in each}

    async def dump(self) -> Contents:
        """Return what Envoy has, by type URL and name."""
        return dumped(await self.get("/config_dump?include_eds"))

    async def ask(self, port: int, path: str = "/", **headers: str) -> tuple[int, str]:
        """Return status and text of the answer to one request."""
        url = f"http://{HOST}:{port}{path}"
        async with self.session.get(url, headers=headers) as response:
            return response.status, await response.text()

    async def serves(self, port: int, path: str, text: str) -> None:
        """Wait until a path is answered with a text."""

        async def is_served() -> bool:
            try:
                return await self.ask(port, path) == (200, text)
            except aiohttp.ClientError:
                return False

        await until(is_served, f"{path} is answered with {text}", PATIENCE)


@asynccontextmanager
async def served(
    folder: Path,
    version: str,
    protocol: Protocol,
    *published: Snapshot,
    shape: Callable[[Bootstrap], None] = lambda _: None,
) -> AsyncIterator[Served]:
    """Run a server with some snapshots, and an Envoy whose bootstrap `shape` may change."""
    port = free_port(HOST)
    node = Node("envoy", "test", "127.0.0.1", 0, HOST, port, protocol=protocol)
    here = Served(node)
    start = bootstrap(node)
    shape(start)
    text, log = to_json(to_dict(start)), folder / "envoy.log"
    async with AsyncExitStack() as stack:
        await here.start(*published)
        stack.push_async_callback(here.stop)
        running = await stack.enter_async_context(
            envoy(installed(version), text, concurrency=2, access_log=log)
        )
        here.admin = running.admin
        here.session = await stack.enter_async_context(aiohttp.ClientSession())
        assert f"/{version}." in (await here.get("/server_info"))["version"]
        yield here


@asynccontextmanager
async def backends(count: int) -> AsyncIterator[tuple[int, ...]]:
    """Run servers on some ports, each of which answers every request with its port."""

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.Response(text=str(request.transport.get_extra_info("sockname")[1]))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    ports = tuple(free_port(HOST) for _ in range(count))
    try:
        for port in ports:
            await web.TCPSite(runner, HOST, port).start()
        yield ports
    finally:
        await runner.cleanup()
