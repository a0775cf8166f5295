"""Know when an Envoy that ended is started again."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import NoReturn, Self

import structlog

from xds.dataplane.binary import EnvoyError
from xds.dataplane.process import RunningEnvoy

_log = structlog.get_logger("xds")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next start: twice as long after each end that came soon.

    All times are in seconds. An end after `steady` is counted as the first.
    """

    base: float = 0.1
    most: float = 10
    steady: float = 60
    pause: float = 0

    def after(self, uptime: float) -> Self:
        """Return the wait that follows an end."""
        if self.pause == 0 or uptime >= self.steady:
            return replace(self, pause=min(self.base, self.most))
        return replace(self, pause=min(2 * self.pause, self.most))

    def jittered(self) -> float:
        """Return the wait, less up to a half, so that what failed together is not tried so."""
        return random.uniform(self.pause / 2, self.pause)  # noqa: S311  no secret


class Supervised:
    """An Envoy that is ready; `run` starts it again whenever it ends."""

    def __init__(
        self,
        start: Callable[[], AbstractAsyncContextManager[RunningEnvoy]],
        life: AsyncExitStack,
        running: RunningEnvoy,
        backoff: Backoff,
    ) -> None:
        self._start = start
        self._life = life
        self._running = running
        self._backoff = backoff

    @property
    def admin(self) -> str:
        """The admin address; after another start it is another one, if it was to be any."""
        return self._running.admin

    async def run(self) -> NoReturn:
        """Start Envoy again whenever it ends, for ever."""
        backoff = self._backoff
        reason, uptime = await self._end()
        while True:
            backoff = backoff.after(uptime)
            pause = backoff.jittered()
            _log.error("Envoy is down; it is started again", reason=reason, seconds=round(pause, 2))
            await asyncio.sleep(pause)
            try:
                self._running = await self._life.enter_async_context(self._start())
            except (EnvoyError, OSError) as error:
                reason, uptime = str(error), 0.0
            else:
                _log.info("Envoy is ready again", envoy_admin=self.admin)
                reason, uptime = await self._end()

    async def _end(self) -> tuple[str, float]:
        """Wait for the end of the Envoy that runs; return words for it, and how long it took."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        reason = await self._running.ended()
        await self._life.aclose()
        return reason, loop.time() - since


@asynccontextmanager
async def supervised(
    start: Callable[[], AbstractAsyncContextManager[RunningEnvoy]], backoff: Backoff = Backoff()
) -> AsyncIterator[Supervised]:
    """Start an Envoy that can be kept running; yields once it is ready, and ends it afterwards.

    Raises what the first start raises.
    """
    async with AsyncExitStack() as life:
        yield Supervised(start, life, await life.enter_async_context(start()), backoff)
