"""The watcher, with real files: when it tells of a change, and when it does not."""

import asyncio
import errno
import threading
from pathlib import Path

import pytest
from watchdog.events import FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter

from watching import PATIENCE, replace, watching
from xds import watcher
from xds.watcher import changes


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("first")
    return path


async def test_the_first_item_comes_before_any_change_and_alone(config: Path) -> None:
    async with watching(config, quiet=0) as watch, watching(config):
        assert watch.count() == 0


async def test_a_file_that_comes_later_is_noticed(tmp_path: Path, config: Path) -> None:
    later = tmp_path / "settings.yaml"
    async with watching(config, later) as watch:
        later.write_text("here")
        await watch.item()


async def test_files_of_several_directories_are_noticed(tmp_path: Path, config: Path) -> None:
    (tmp_path / "other").mkdir()
    settings = tmp_path / "other" / "settings.yaml"
    async with watching(config, settings) as watch:
        settings.write_text("here")
        await watch.item()

        config.write_text("second")
        await watch.item()


async def test_a_relative_path_is_noticed(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    async with watching(Path(config.name)) as watch:
        config.write_text("second")
        await watch.item()


async def test_a_burst_is_one_item(config: Path) -> None:
    async with (
        watching(config, quiet=1, longest=PATIENCE) as watch,
        watching(config, quiet=0) as pace,
    ):
        for number in range(5):
            # Each change is seen before the next is made, so that they do not arrive as one.
            config.write_text(f"{number}")
            await pace.item()
            pace.forget()
        assert watch.count() == 0

        await watch.item()
        assert watch.count() == 0


async def test_constant_writing_is_an_item_before_it_ends(config: Path) -> None:
    async with (
        watching(config, quiet=PATIENCE * 2, longest=0.2) as watch,
        watching(config, quiet=0) as pace,
    ):
        async with asyncio.timeout(PATIENCE):
            while watch.count() == 0:
                config.write_text("again")
                await pace.item()


async def test_an_unrelated_file_wakes_nobody(tmp_path: Path, config: Path) -> None:
    unrelated = tmp_path / "config.yaml.bak"
    async with watching(config, quiet=0) as watch, watching(unrelated) as witness:
        unrelated.write_text("first")
        await witness.item()
        replace(unrelated, "second")
        await witness.item()
        unrelated.unlink()
        await witness.item()
        assert watch.count() == 0

        config.write_text("second")
        await watch.item()


async def test_unrelated_changes_in_the_same_burst_add_no_item(config: Path) -> None:
    async with watching(config) as watch, watching(config) as witness:
        config.with_name("unrelated").write_text("1")
        config.write_text("second")
        config.with_name("unrelated").write_text("2")
        await watch.item()
        await witness.item()
        assert watch.count() == 0


async def test_reading_wakes_nobody(tmp_path: Path, config: Path) -> None:
    unrelated = tmp_path / "unrelated"
    async with watching(config, quiet=0) as watch, watching(unrelated) as witness:
        config.read_bytes()
        list(tmp_path.iterdir())
        unrelated.write_text("after the reading")
        await witness.item()
        assert watch.count() == 0

        config.write_text("second")
        await watch.item()


def watchdogs() -> int:
    """Return how many threads watch files."""
    return sum(type(one).__module__.startswith("watchdog") for one in threading.enumerate())


async def test_a_watcher_that_is_no_longer_wanted_leaves_no_thread_behind(config: Path) -> None:
    before = watchdogs()
    async with watching(config):
        assert watchdogs() > before

    assert watchdogs() == before


async def test_what_the_system_forgot_to_tell_is_found(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "_SELDOM", 0.02)
    monkeypatch.setattr(FileSystemEventHandler, "dispatch", lambda *_: None)
    async with watching(config) as watch:
        config.write_text("second")
        await watch.until(config, "second")


async def test_files_are_polled_where_the_system_does_not_tell_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Exhausted(BaseObserver):
        def __init__(self) -> None:
            super().__init__(EventEmitter)

        def start(self) -> None:
            raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watcher, "Observer", Exhausted)
    file = tmp_path / "config.yaml"
    file.write_text("one")
    watching = changes([file])
    try:
        async with asyncio.timeout(10):
            await anext(watching)
            file.write_text("another")
            await anext(watching)
    finally:
        await watching.aclose()
