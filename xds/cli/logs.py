"""Know how log lines look, and that they go to standard error."""

import logging
import sys
from contextlib import suppress
from enum import StrEnum
from typing import TextIO

import structlog
from aiohttp.http import HttpProcessingError


class LogFormat(StrEnum):
    """For people, or for a log collector."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure_logs(log_format: LogFormat, level: LogLevel) -> None:
    """Set how this process logs."""
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if log_format is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # All that the factory does with it is to write and to flush.
        logger_factory=structlog.PrintLoggerFactory(_Output(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Others()], level=logging.WARNING, force=True)


class _Output:
    """A stream on which nothing fails: a full disk, or a reader that left, is no end of ours."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Others(logging.Handler):
    """Tells what the libraries below us log, in lines like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            # Somebody spoke something else than HTTP, which is no failure here.
            log.info("a request was not understood", reason=error.message)
        else:
            log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)
