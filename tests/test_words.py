"""How Envoy's words become lines of our log."""

import asyncio
from collections.abc import Iterable

import pytest
from structlog.testing import capture_logs

from xds.dataplane.words import tell


async def told(*pieces: bytes) -> Iterable[tuple[str, str, str]]:
    """Return level, component and message of each line that is told of what is written."""
    stream = asyncio.StreamReader()
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    with capture_logs() as logs:
        await tell(stream)
    return [(line["log_level"], line["envoy"], line["event"]) for line in logs]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("trace", "debug"),
        ("debug", "debug"),
        ("info", "info"),
        ("warning", "warning"),
        ("error", "error"),
        ("critical", "critical"),
    ],
)
async def test_a_line_keeps_its_level_and_its_component(theirs: str, ours: str) -> None:
    line = f"{theirs}\tconfig\tgRPC config: a\tb 100 %s\n".encode()

    assert await told(line) == [(ours, "config", "gRPC config: a\tb 100 %s")]


async def test_a_message_of_several_lines_stays_what_it_is() -> None:
    lines = b"warning\tconfig\trefused:\n  port: 0\n\tis\tnone\nerror\tmain\tnext\n"

    assert await told(lines) == [
        ("warning", "config", "refused:"),
        ("warning", "config", "  port: 0"),
        ("warning", "config", "\tis\tnone"),
        ("error", "main", "next"),
    ]


async def test_who_can_not_speak_in_form_is_heard_as_well() -> None:
    assert await told(b"envoy: no such library\n") == [
        ("error", "stderr", "envoy: no such library")
    ]


async def test_lines_are_whole_however_they_come_and_however_long_they_are() -> None:
    long = "x" * (1 << 18)
    written = f"info\tmain\t{long}é\ninfo\tmain\tlast".encode()
    pieces = [written[at : at + 1000] for at in range(0, len(written), 1000)]

    assert await told(*pieces) == [("info", "main", f"{long}é"), ("info", "main", "last")]


async def test_bytes_that_are_no_text_are_told_as_far_as_they_are() -> None:
    assert await told(b"info\tmain\t\xff\xfe!\n") == [("info", "main", "��!")]
