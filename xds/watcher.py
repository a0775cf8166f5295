"""Know when files may have changed, and nothing of what is in them."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from watchdog.events import (
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from xds.trail import Trail, trail, untold

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

QUIET: Final = 0.1
LONGEST: Final = 1.0
_POLL: Final = 0.5
# A look for what was not told: the system drops notices when it has too many.
_SELDOM: Final = 30.0
_MOUNTINFO: Final = Path("/proc/self/mountinfo")

_log = structlog.get_logger("xds")

# Not those of readers: were they heard, each reload would cause the next. Nor that a directory was
# modified: that is told of every file in it.
_EVENTS: Final[list[type[FileSystemEvent]]] = [
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


async def changes(
    paths: Iterable[Path], *, quiet: float = QUIET, longest: float = LONGEST, poll: bool = False
) -> AsyncGenerator[None]:
    """Yield once after each burst of changes that may concern one of the files.

    Every directory on the way to a file is watched, through all links, so that the file, a link or
    a directory may be replaced, moved, removed and made anew. Where changes are not told, as on
    network file systems and of a file that is mounted by itself, or with `poll`, files are looked
    at twice a second.

    A burst ends after `quiet` seconds without a change, or `longest` seconds after its first. The
    first item comes without any, when watching has begun: what is read then is not missed later.
    """
    loop = asyncio.get_running_loop()
    watch = _Watch(tuple(paths), loop, poll=poll)
    try:
        while True:
            await watch.change()
            deadline = loop.time() + longest
            while (patience := min(quiet, deadline - loop.time())) > 0:
                if not await watch.change_within(patience):
                    break
            yield
    finally:
        await asyncio.to_thread(watch.end)


class _Watch:
    """Watches the trail to some files, as it is at each moment."""

    def __init__(
        self, paths: tuple[Path, ...], loop: asyncio.AbstractEventLoop, *, poll: bool
    ) -> None:
        self._paths = paths
        self._loop = loop
        self._poll = poll
        self._told = asyncio.Event()
        # What was written before watching began may have been missed.
        self._told.set()
        self._trail = Trail({})
        self._is_stale = False
        # Why changes are not told, by the trail alone and after all.
        self._untold: str | None = None
        self._unwatched: str | None = None
        self._observer: BaseObserver | None = None
        # Looking goes on in its thread, even if who waits for it is cancelled.
        self._lock = threading.Lock()
        self._has_ended = False

    async def change(self) -> None:
        """Wait for the next change."""
        while not await self.change_within(_POLL if self._unwatched else _SELDOM):
            pass

    async def change_within(self, seconds: float) -> bool:
        """Wait for the next change for some time, and tell whether there was one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        was_told = self._told.is_set()
        self._told.clear()
        return await asyncio.to_thread(self._look) or was_told

    def end(self) -> None:
        """Watch no longer."""
        with self._lock:
            self._has_ended = True
            self._stop()

    def _look(self) -> bool:
        """Follow the trail anew, and tell whether it leads elsewhere, or to something else."""
        with self._lock:
            if self._has_ended:
                return False
            before, self._trail = self._trail, trail(self._paths)
            was_untold, self._untold = self._untold, _untold(self._trail)
            if (
                self._is_stale
                or before.watched != self._trail.watched
                or was_untold != self._untold
            ):
                self._is_stale = False
                self._stop()
                self._watch(self._trail.directories)
                if trail(self._paths) != self._trail:
                    # It changed while nobody watched.
                    self._wake()
            return before != self._trail

    def _watch(self, directories: frozenset[Path]) -> None:
        reason = "it was asked for" if self._poll else self._untold
        if reason is None:
            reason = self._observe(directories)
        if reason is not None and reason != self._unwatched:
            _log.warning("files are polled, as the system does not tell changes", reason=reason)
        self._unwatched = reason

    def _observe(self, directories: frozenset[Path]) -> str | None:
        """Watch directories, and return why some can not be."""
        failure = None
        try:
            self._observer = Observer()
            self._observer.start()
        except OSError as error:
            # The system's notices are few, and may be used up by others.
            self._observer = None
            return str(error)
        handler = _Handler(self._hear)
        for directory in sorted(directories):
            try:
                # watchdog says nothing where permission is missing.
                os.scandir(directory).close()
                self._observer.schedule(handler, str(directory), event_filter=_EVENTS)
            except FileNotFoundError:
                # The trail has changed since, and is followed anew.
                continue
            except OSError as error:
                failure = f"{directory}: {error.strerror}"
        return failure

    def _hear(self, path: Path) -> None:
        """Take note of an event, on watchdog's thread."""
        heard = self._trail
        if path in heard.entries:
            # A directory that was replaced is watched no longer, though its path is the same.
            self._is_stale = self._is_stale or path in heard.directories
            self._wake()

    def _wake(self) -> None:
        # The loop may have ended meanwhile; then nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._told.set)

    def _stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None


def _untold(found: Trail) -> str | None:
    try:
        return untold(found, os.fsdecode(_MOUNTINFO.read_bytes()))
    except OSError:
        return None


class _Handler(FileSystemEventHandler):
    """Passes on, on watchdog's thread, the paths that an event names."""

    def __init__(self, hear: Callable[[Path], object]) -> None:
        self._hear = hear

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path:
                self._hear(Path(path if isinstance(path, str) else path.decode()))
