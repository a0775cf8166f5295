"""Know how an Envoy words its log, and tell each line of it in ours, at Envoy's own level.

Ours are told apart from them by the key `envoy`, which holds the part of Envoy that speaks.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

import structlog

_log = structlog.get_logger("envoy")

# Level, component and message, in spdlog's words: Envoy's default has the time too, as has our log.
# https://www.envoyproxy.io/docs/envoy/latest/operations/cli#cmdoption-log-format
LOG_FORMAT: Final = "%l\t%n\t%v"

_LEVELS: Final = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_CHUNK: Final = 1 << 16


async def tell(stream: asyncio.StreamReader) -> None:
    """Log what comes until its end.

    A line of another form goes on with the one before it, and is logged like that. At the
    beginning, it comes from one that is in no state to say it better.
    """
    level, component = logging.ERROR, "stderr"
    async for line in _lines(stream):
        match line.split("\t", 2):
            case [name, component_, message] if name in _LEVELS:
                level, component = _LEVELS[name], component_
            case _:
                message = line
        _log.log(level, message, envoy=component)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines of any length; `StreamReader.readline` gives up on long ones."""
    rest = b""
    while chunk := await stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
