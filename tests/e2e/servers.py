"""Servers in this process that do as a test tells them, and tell it what they were asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from e2e.world import on_loopback
from xds.ports import HostPort


@dataclass
class Server:
    """A server whose `status` and `health` are what it answers, as soon as it is `free` to.

    Its streams go on until they are `over`.
    """

    name: str
    where: HostPort
    status: int = 200
    health: int = 200
    free: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    checked: int = 0
    abandoned: int = 0
    runner: web.AppRunner = field(init=False)

    def __post_init__(self) -> None:
        self.free.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked += 1
        try:
            if "x-stream" in request.headers:
                return await self._stream(request)
            await self.free.wait()
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        return web.json_response({"served_by": self.name}, status=self.status)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Say the name until it is over."""
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(f"data: {self.name}\n\n".encode())
            try:
                async with asyncio.timeout(0.05):
                    await self.over.wait()
            except TimeoutError:
                continue
            await response.write(b"data: [DONE]\n\n")
            return response

    async def tell_health(self, _: web.Request) -> web.Response:
        self.checked += 1
        return web.Response(status=self.health)

    async def start(self, keepalive: float) -> None:
        app = web.Application()
        app.router.add_get("/health", self.tell_health)
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=keepalive,
            shutdown_timeout=0.1,
        )
        await self.runner.setup()
        await web.TCPSite(self.runner, self.where.host, self.where.port).start()

    async def end(self) -> None:
        self.free.set()
        self.over.set()
        await self.runner.cleanup()


@asynccontextmanager
async def servers(*names: str, keepalive: float = 75) -> AsyncIterator[tuple[Server, ...]]:
    """Run some servers; `keepalive` is for how many seconds they keep an idle connection."""
    all_of_them = tuple(Server(name, where) for name, where in on_loopback(*names).items())
    async with AsyncExitStack() as stack:
        for server in all_of_them:
            await server.start(keepalive)
            stack.push_async_callback(server.end)
        yield all_of_them
