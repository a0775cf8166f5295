"""A stream of events passes a router as it is written, where the router lets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from e2e.semantic_router import SemanticRouter, serving
from e2e.world import PATIENCE, World, endpoints, world
from xds.ports import HostPort, free_port

pytestmark = pytest.mark.each_envoy

EVENTS = [b"data: one\n\n", b"data: two\n\n", b"data: [DONE]\n\n"]


@dataclass
class Narrator:
    """A server that writes its next event when the client has confirmed the last."""

    confirmed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    is_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        try:
            return await self._tell(request)
        except asyncio.CancelledError:
            self.is_left.set()
            raise

    async def _tell(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for event in EVENTS:
            await self.confirmed.acquire()
            await response.write(event)
        return response

    @asynccontextmanager
    async def telling(self, where: HostPort) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.tell)
        # A client that has gone has no more to confirm.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, where.host, where.port).start()
        try:
            yield
        finally:
            await runner.cleanup()


@asynccontextmanager
async def gateway(folder: Path, router: SemanticRouter, narrator: Narrator) -> AsyncIterator[World]:
    asked, told = (HostPort("127.0.0.1", free_port("127.0.0.1")) for _ in range(2))
    settings = f"router: {{address: {asked.host}, port: {asked.port}}}\n"
    config = endpoints({"narrator": told})
    async with serving(router, asked), narrator.telling(told):
        async with world(folder, config, settings, backends={}) as here:
            yield here


def story(here: World) -> "aiohttp.client._RequestContextManager":
    return here.session.post(f"{here.url}/v1/chat/completions", json={"prompt": "", "stream": True})


async def test_each_event_arrives_before_the_next_is_written(tmp_path: Path) -> None:
    router, narrator = SemanticRouter({}), Narrator()
    async with gateway(tmp_path, router, narrator) as here:
        async with asyncio.timeout(PATIENCE), story(here) as response:
            for event in EVENTS:
                assert await response.content.readexactly(len(event)) == event
                narrator.confirmed.release()

    assert b"".join(router.seen[0].pieces) == b"".join(EVENTS)


async def test_who_goes_away_in_the_middle_is_not_worked_for_any_longer(tmp_path: Path) -> None:
    narrator = Narrator()
    async with gateway(tmp_path, SemanticRouter({}), narrator) as here:
        async with asyncio.timeout(PATIENCE):
            async with story(here) as response:
                await response.content.readexactly(len(EVENTS[0]))
            await narrator.is_left.wait()


async def test_a_router_that_does_not_ask_for_pieces_gets_the_stream_whole(tmp_path: Path) -> None:
    router, narrator = SemanticRouter({}, asks_for_pieces=False), Narrator(asyncio.Semaphore(3))
    async with gateway(tmp_path, router, narrator) as here, story(here) as response:
        assert await response.read() == b"".join(EVENTS)

    assert router.seen[0].pieces == [b"".join(EVENTS)]
