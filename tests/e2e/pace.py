"""A load that keeps its pace, whatever becomes of the requests before."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from e2e.world import Answer, World

PER_SECOND = 200


@dataclass
class Pace:
    """Requests at 200 per second, and their answers as they come."""

    gateway: World
    answers: list[Answer] = field(default_factory=list)

    async def send(self, requests: int) -> Counter[int]:
        """Send some requests and return how many were answered with which status."""
        async with asyncio.TaskGroup() as group:
            for _ in range(requests):
                group.create_task(self._ask())
                await asyncio.sleep(1 / PER_SECOND)
        return Counter(answer.status for answer in self.answers)

    async def _ask(self) -> None:
        self.answers.append(await self.gateway.ask())
