"""What the tests of the watcher share: a watch that counts, and the usual way to edit."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from xds.watcher import changes

PATIENCE = 10.0


class Watch:
    """Counts the items of a watcher that runs beside the test."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[None] = asyncio.Queue()

    async def run(self, paths: list[Path], **options: Any) -> None:
        async for _ in changes(paths, **options):
            self._items.put_nowait(None)

    async def item(self) -> None:
        """Wait for the next item, and take it."""
        async with asyncio.timeout(PATIENCE):
            await self._items.get()

    async def until(self, path: Path, text: str) -> None:
        """Wait until a file that is read at each item says something."""
        while True:
            await self.item()
            with suppress(OSError):
                if path.read_text() == text:
                    return

    def count(self) -> int:
        """Return how many items came that nobody took."""
        return self._items.qsize()

    def forget(self) -> None:
        while not self._items.empty():
            self._items.get_nowait()


@asynccontextmanager
async def watching(*paths: Path, **options: Any) -> AsyncIterator[Watch]:
    """Watch files; the first item, which comes at once, is taken already."""
    watch = Watch()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watch.run(list(paths), **options))
        try:
            await watch.item()
            yield watch
        finally:
            running.cancel()


def replace(path: Path, text: str) -> None:
    """Replace a file as editors do: write another one, and give it its name."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    os.replace(other, path)  # noqa: PTH105  the very call that is meant
