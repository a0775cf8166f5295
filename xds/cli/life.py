"""Know how a command lives and ends: its signals, its failures, its exit code."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
import typer

from xds.config.problems import ConfigError
from xds.dataplane import EnvoyError
from xds.demo import CheckError

_log = structlog.get_logger("xds")

BAD: Final = 1
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


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a command's coroutine to its end; SIGINT and SIGTERM end it well, a second one kills."""
    with failures_told():
        asyncio.run(_until_signalled(main))


async def _until_signalled(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(main)

    def end() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        _log.info("stopping")
        running.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()


async def until_ended() -> None:
    """Wait for the signal that ends the command."""
    await asyncio.Event().wait()


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
