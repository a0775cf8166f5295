"""The watcher, with real files: every way in which a file comes to say something else."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver, EventEmitter

from xds import watcher
from xds.watcher import LONGEST, QUIET, changes

PATIENCE = 10.0


class Watch:
    """Counts the items of a watcher that runs beside the test."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[None] = asyncio.Queue()

    async def run(self, paths: list[Path], quiet: float, longest: float) -> None:
        async for _ in changes(paths, quiet=quiet, longest=longest):
            self._items.put_nowait(None)

    async def item(self) -> None:
        """Wait for the next item, and take it."""
        async with asyncio.timeout(PATIENCE):
            await self._items.get()

    def count(self) -> int:
        """Return how many items came that nobody took."""
        return self._items.qsize()

    def forget(self) -> None:
        while not self._items.empty():
            self._items.get_nowait()


@asynccontextmanager
async def watching(
    *paths: Path, quiet: float = QUIET, longest: float = LONGEST
) -> AsyncIterator[Watch]:
    """Watch files; the first item, which comes at once, is taken already."""
    watch = Watch()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watch.run(list(paths), quiet, longest))
        try:
            await watch.item()
            yield watch
        finally:
            running.cancel()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("first")
    return path


def replace(path: Path, text: str) -> None:
    """Replace a file as editors do: write another one, and give it its name."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    os.replace(other, path)  # noqa: PTH105  the very call that is meant


async def test_the_first_item_comes_before_any_change_and_alone(config: Path) -> None:
    async with watching(config, quiet=0) as watch, watching(config):
        assert watch.count() == 0


async def test_a_file_that_is_written_in_place_is_noticed(config: Path) -> None:
    async with watching(config) as watch:
        config.write_text("second")
        await watch.item()


async def test_a_file_that_is_appended_to_is_noticed(config: Path) -> None:
    async with watching(config) as watch:
        with config.open("a") as file:
            file.write("more")
        await watch.item()


async def test_a_file_that_is_replaced_is_noticed_every_time(config: Path) -> None:
    async with watching(config) as watch:
        for text in ("second", "third"):
            replace(config, text)
            await watch.item()


async def test_a_file_that_is_deleted_and_made_anew_is_noticed(config: Path) -> None:
    async with watching(config) as watch:
        config.unlink()
        await watch.item()

        config.write_text("second")
        await watch.item()

        config.write_text("third")
        await watch.item()


async def test_a_file_that_is_moved_away_and_back_is_noticed(config: Path) -> None:
    async with watching(config) as watch:
        away = config.rename(config.with_name("away"))
        await watch.item()

        away.rename(config)
        await watch.item()


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


async def test_the_file_behind_a_link_is_noticed(tmp_path: Path, config: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.yaml"
    link.symlink_to(config)
    async with watching(link) as watch:
        config.write_text("second")
        await watch.item()


def volume(root: Path, version: str) -> None:
    """Put a version of a volume in place as Kubernetes does: by moving the link `..data`."""
    data = root / f"..{version}"
    data.mkdir()
    (data / "config.yaml").write_text(version)
    link = root / "..data_tmp"
    link.symlink_to(data.name)
    os.replace(link, root / "..data")  # noqa: PTH105  the very call that is meant


async def test_a_volume_of_kubernetes_is_noticed_every_time(tmp_path: Path) -> None:
    volume(tmp_path, "2026_01")
    config = tmp_path / "config.yaml"
    config.symlink_to("..data/config.yaml")
    async with watching(config) as watch:
        for version in ("2026_02", "2026_03"):
            volume(tmp_path, version)
            await watch.item()
            assert config.read_text() == version


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
