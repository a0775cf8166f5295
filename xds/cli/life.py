"""Know how a command lives and ends: its signals, its failures, its exit code."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import structlog
import typer

from xds.config.load import Loaded
from xds.config.problems import ConfigError
from xds.dataplane import EnvoyError
from xds.demo import CheckError

_log = structlog.get_logger("xds")

BAD: Final = 1
# So many new objects make the collector look at the new ones, and so many looks make it look at the
# older ones, too; it is by default 700, 10, 10.
_SELDOM: Final = (30_000, 20, 20)
# How long a thread has its turn while others wait, in seconds; it is 0.005 by default.
_TURN: Final = 0.001
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell what a person can mend in one line each on standard error, and exit with 1."""
    told: list[str] = []
    try:
        yield
    except* (ConfigError, EnvoyError, CheckError, OSError) as group:
        told.extend(_told(error) for error in _leaves(group))
    if told:
        for text in told:
            typer.echo(text, err=True)
        raise typer.Exit(BAD)


def tell_warnings(loaded: Loaded) -> None:
    """Tell on standard error what is wrong with files that can be used all the same."""
    for warning in loaded.warnings:
        typer.echo(str(warning), err=True)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a command's coroutine to its end.

    SIGINT and SIGTERM end it well; a second one ends what it still waits for, and it exits with 1;
    a third one kills.
    """
    with failures_told():
        asyncio.run(_until_signalled(main))


async def _until_signalled(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(main)
    signals = 0

    def end() -> None:
        nonlocal signals
        signals += 1
        _log.info("stopping" if signals == 1 else "stopping at once")
        running.cancel()
        if signals > 1:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
                # asyncio leaves SIGINT to Python, which would clean up once more.
                signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()
    if signals > 1:
        raise typer.Exit(BAD)


def tune_interpreter() -> None:
    """Have the interpreter serve on while a file is read beside it.

    The garbage collector looks seldom: a file makes a little of everything for a thousand models,
    and each edit for a thousand streams, next to none of it garbage that only the collector finds.
    Threads take turns often, so that whoever serves does not wait for the one that reads.
    https://docs.python.org/3/library/gc.html#gc.set_threshold
    https://docs.python.org/3/library/sys.html#sys.setswitchinterval
    """
    gc.set_threshold(*_SELDOM)
    sys.setswitchinterval(_TURN)


def settle() -> None:
    """Have the garbage collector leave alone what is there from the start on.

    To look through a thousand models takes it a tenth of a second, in which nobody is served.
    https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def hangups() -> asyncio.Event:
    """Return an event that is set by each SIGHUP, which from now on does not end us."""
    hung_up = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    return hung_up


async def reload_at(hung_up: asyncio.Event, reload: Callable[[], Awaitable[None]]) -> NoReturn:
    """Have the files read anew at each hangup, for ever."""
    while True:
        await hung_up.wait()
        hung_up.clear()
        _log.info("reading the configuration again, as SIGHUP asks")
        await reload()


def _told(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
