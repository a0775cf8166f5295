"""A constant load over the paths that are served, whatever is published meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

import aiohttp

from e2e.engine.resources import HOST
from e2e.engine.served import PATIENCE
from e2e.world import until

# Path → who may answer.
Answers = Mapping[str, frozenset[int]]


class PathLoad:
    """Requests without pause for paths of one listener, each held against who may answer it."""

    def __init__(self, port: int, answers: Answers, workers: int = 4) -> None:
        self._url = f"http://{HOST}:{port}"
        self._answers = dict(answers)
        self._asked: Counter[str] = Counter()
        self._workers = workers
        self._going = True
        self.answered = 0
        self.failed: list[str] = []

    @asynccontextmanager
    async def going(self) -> AsyncIterator[Self]:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(session, number))
            try:
                await self.more(self._workers)
                yield self
                await self.more(2 * self._workers)
            finally:
                self._going = False

    async def more(self, requests: int) -> None:
        """Wait for some more answers."""
        enough = self.answered + requests
        await until(lambda: self.answered >= enough, f"{requests} more answers", PATIENCE)

    async def ask_for(self, answers: Answers) -> None:
        """Ask for these paths from now on; return when nothing else is asked any longer."""
        self._answers = dict(answers)
        left = self._asked.keys() - answers.keys()
        await until(
            lambda: not any(self._asked[path] for path in left), "old requests end", PATIENCE
        )

    async def _work(self, session: aiohttp.ClientSession, number: int) -> None:
        while self._going:
            number += 1
            path = list(self._answers)[number % len(self._answers)]
            self._asked[path] += 1
            allowed = self._answers[path]
            try:
                async with session.get(self._url + path) as response:
                    said = f"{response.status} {await response.text()}"
            except aiohttp.ClientError as error:
                said = repr(error)
            self._asked[path] -= 1
            # What was allowed when the request began, or is by now.
            allowed |= self._answers.get(path, frozenset())
            if said not in {f"200 {port}" for port in allowed}:
                self.failed.append(f"{path}: {said}, not from {sorted(allowed)}")
            self.answered += 1
