"""How a command settles down once it serves."""

import asyncio
import gc
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cli.console import GOOD
from server.clients import until
from written import words
from xds.app import Options
from xds.cli import main
from xds.cli.serve import _serve
from xds.files import Files
from xds.ports import HostPort


async def test_what_is_served_first_is_no_work_for_the_garbage_collector(tmp_path: Path) -> None:
    files = Files(tmp_path / "config.yaml")
    files.config.write_text(GOOD)
    before = gc.get_freeze_count()
    with capture_logs() as lines:
        serving = asyncio.create_task(_serve(files, HostPort("127.0.0.1", 0), Options()))
        try:
            await until(lambda: "serving" in words(lines))
            assert gc.get_freeze_count() > before
        finally:
            gc.unfreeze()
            serving.cancel()
            await asyncio.wait({serving})


def test_the_collector_looks_seldom_and_threads_take_turns_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["xds", "--version"])
    threshold, turn = gc.get_threshold(), sys.getswitchinterval()
    try:
        with pytest.raises(SystemExit):
            main()
        assert all(a > b for a, b in zip(gc.get_threshold(), threshold, strict=True))
        assert sys.getswitchinterval() < turn
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(turn)
