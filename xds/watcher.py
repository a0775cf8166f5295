"""Know when files may have changed, and nothing of what is in them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path
from typing import Final

import structlog
from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

QUIET: Final = 0.1
LONGEST: Final = 1.0
_POLL: Final = 0.5

_log = structlog.get_logger("xds")

# Reading a file makes events too; were they heard, each reload would cause the next.
_OF_READERS: Final = frozenset((EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE))


async def changes(
    paths: Iterable[Path], *, quiet: float = QUIET, longest: float = LONGEST
) -> AsyncGenerator[None]:
    """Yield once after each burst of changes that may concern one of the files.

    Directories are watched, not the files, so that a file may be replaced, moved or written anew.
    A burst ends after `quiet` seconds without a change, or `longest` seconds after its first. The
    first item comes without any, when watching has begun: what is read then is not missed later.
    """
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    handler = _Handler(_watched(paths), lambda: loop.call_soon_threadsafe(changed.set))
    observer = await asyncio.to_thread(_observe, handler)
    try:
        # What was written before watching began may have been missed.
        changed.set()
        while True:
            await changed.wait()
            await _settle(changed, loop.time() + longest, quiet)
            yield
    finally:
        observer.stop()
        await asyncio.to_thread(observer.join)


def _observe(handler: "_Handler") -> BaseObserver:
    try:
        return _started(Observer(), handler)
    except OSError as error:
        # The system's notices are few, and may be used up by others.
        _log.warning("files are polled, as the system does not tell changes", reason=str(error))
        return _started(PollingObserver(timeout=_POLL), handler)


def _started(observer: BaseObserver, handler: "_Handler") -> BaseObserver:
    for directory in {path.parent for path in handler.watched}:
        observer.schedule(handler, str(directory))
    observer.start()
    return observer


async def _settle(changed: asyncio.Event, deadline: float, quiet: float) -> None:
    loop = asyncio.get_running_loop()
    while changed.is_set():
        changed.clear()
        patience = min(quiet, deadline - loop.time())
        try:
            await asyncio.wait_for(changed.wait(), max(patience, 0))
        except TimeoutError:
            return


def _watched(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the files, and what they point to where they are links."""
    absolute = [path.absolute() for path in paths]
    return frozenset(absolute) | {path.resolve() for path in absolute}


class _Handler(FileSystemEventHandler):
    """Calls `wake`, on watchdog's thread, for events that concern a watched file."""

    def __init__(self, watched: frozenset[Path], wake: Callable[[], object]) -> None:
        self.watched = watched
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _OF_READERS:
            return
        named = (Path(_text(event.src_path)), Path(_text(event.dest_path)))
        # Kubernetes replaces all files of a volume at once by moving the link `..data`.
        if any(path in self.watched or path.name == "..data" for path in named):
            self._wake()


def _text(path: bytes | str) -> str:
    return path.decode() if isinstance(path, bytes) else path
