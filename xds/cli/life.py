"""Know how a command lives and ends: its signals, its failures, its exit code."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from xds.config.problems import ConfigError
from xds.dataplane import EnvoyError
from xds.demo import CheckError

BAD = 1


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
    """Run a command's coroutine to its end."""
    with failures_told():
        asyncio.run(main)


async def stopped(*also: asyncio.Future[Any]) -> None:
    """Return on SIGINT or SIGTERM, or when one of some tasks ends; a second signal kills."""
    loop = asyncio.get_running_loop()
    asked = loop.create_future()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        if not asked.done():
            asked.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    await asyncio.wait({asked, *also}, return_when=asyncio.FIRST_COMPLETED)


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
