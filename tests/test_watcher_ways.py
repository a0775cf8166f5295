"""Every way in which a file comes to say something else, on a real file system.

Each is told twice over, as a watcher may be deaf after the first; and polled, too.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from watching import replace, watching
from xds import watcher
from xds.config.load import Source
from xds.config.problems import ConfigError
from xds.files import Files, read

Way = Callable[[Path, str], None]
TEXTS = ("second", "third")


@pytest.fixture(params=["told", "polled"])
def polled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(watcher, "_POLL", 0.02)
    return bool(request.param == "polled")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "xds" / "config.yaml"
    write(path, "first")
    return path


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def in_pieces(path: Path, text: str) -> None:
    with path.open("w") as file:
        for letter in text:
            file.write(letter)
            file.flush()


def kept_open(path: Path, text: str) -> None:
    """Write as VS Code does: empty the file, then fill it."""
    descriptor = os.open(path, os.O_RDWR)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def vim_with_backup(path: Path, text: str) -> None:
    """Write as vim does: the old file is moved away and removed at last."""
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def vim_with_backupcopy(path: Path, text: str) -> None:
    """Write as vim does to keep the inode: the old file is copied, and written over."""
    backup = path.with_name(f"{path.name}~")
    shutil.copy2(path, backup)
    path.write_text(text)
    backup.unlink()


def sed(path: Path, text: str) -> None:
    subprocess.run(["sed", "-i", f"s/.*/{text}/", str(path)], check=True)  # noqa: S607


def deleted_and_made_anew(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def moved_here(path: Path, text: str) -> None:
    """Replace the file by one from a directory that nobody watches."""
    other = path.parents[2] / "elsewhere" / text
    write(other, text)
    other.replace(path)


def same_size_and_time(path: Path, text: str) -> None:
    """Replace the file by one that looks alike, as tools do that keep the time."""
    was = path.stat()
    replace(path, text)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def directory_replaced(path: Path, text: str) -> None:
    new, old = path.parents[1] / "new", path.parents[1] / f"before-{text}"
    write(new / path.name, text)
    path.parent.rename(old)
    new.rename(path.parent)


def directory_removed_and_made_anew(path: Path, text: str) -> None:
    shutil.rmtree(path.parent)
    write(path, text)


def parent_removed_and_made_anew(path: Path, text: str) -> None:
    shutil.rmtree(path.parents[1])
    write(path, text)


@pytest.mark.parametrize(
    "way",
    [
        in_place,
        in_pieces,
        kept_open,
        replace,
        vim_with_backup,
        vim_with_backupcopy,
        sed,
        deleted_and_made_anew,
        moved_here,
        same_size_and_time,
        directory_replaced,
        directory_removed_and_made_anew,
        parent_removed_and_made_anew,
    ],
    ids=lambda way: way.__name__,
)
async def test_a_way_of_writing_is_noticed_and_what_comes_after_it(
    way: Way, config: Path, *, polled: bool
) -> None:
    async with watching(config, poll=polled, quiet=0.02) as watch:
        for text in TEXTS:
            way(config, text)
            await watch.until(config, text)

            config.write_text(f"{text}, edited")
            await watch.until(config, f"{text}, edited")


async def test_steps_that_are_far_apart_are_each_noticed(config: Path, *, polled: bool) -> None:
    async with watching(config, poll=polled, quiet=0.02) as watch:
        shutil.rmtree(config.parents[1])
        await watch.item()
        # Nobody asks for these; they lead to the file again.
        config.parents[1].mkdir()
        config.parent.mkdir()
        config.write_text("")
        await watch.until(config, "")

        config.write_text("second")
        await watch.until(config, "second")


def by_rename(link: Path, target: Path | str) -> None:
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.replace(link)


def by_removal(link: Path, target: Path | str) -> None:
    link.unlink()
    link.symlink_to(target)


@pytest.mark.parametrize("retarget", [by_rename, by_removal], ids=lambda way: way.__name__)
async def test_a_link_is_followed_to_where_it_leads_now(
    retarget: Callable[[Path, Path], None], config: Path, tmp_path: Path, *, polled: bool
) -> None:
    link = tmp_path / "links" / "config.yaml"
    link.parent.mkdir()
    link.symlink_to(config)
    async with watching(link, poll=polled, quiet=0.02) as watch:
        replace(config, "edited")
        await watch.until(link, "edited")

        for text in TEXTS:
            target = tmp_path / text / "target.yaml"
            write(target, text)
            retarget(link, target)
            await watch.until(link, text)

            target.write_text(f"{text}, edited")
            await watch.until(link, f"{text}, edited")

        link.unlink()
        write(link, "no link any more")
        await watch.until(link, "no link any more")


async def test_a_link_of_a_directory_is_followed_to_where_it_leads_now(
    config: Path, tmp_path: Path, *, polled: bool
) -> None:
    # A link to a link, the second relative, with a step up in it.
    (tmp_path / "current").symlink_to("etc/../release")
    (tmp_path / "release").symlink_to(config.parent.relative_to(tmp_path))
    path = tmp_path / "current" / config.name
    async with watching(path, poll=polled, quiet=0.02) as watch:
        for text in TEXTS:
            write(tmp_path / text / config.name, text)
            by_rename(tmp_path / "release", text)
            await watch.until(path, text)

            replace(tmp_path / text / config.name, f"{text}, edited")
            await watch.until(path, f"{text}, edited")


async def test_a_link_to_nowhere_is_followed_when_there_is_something(
    tmp_path: Path, *, polled: bool
) -> None:
    link, target = tmp_path / "link.yaml", tmp_path / "far" / "away" / "config.yaml"
    link.symlink_to(target)
    circle = tmp_path / "circle.yaml"
    circle.symlink_to(circle.name)
    async with watching(link, circle, poll=polled, quiet=0.02) as watch:
        write(target, "second")
        await watch.until(link, "second")

        by_rename(circle, target)
        await watch.until(circle, "second")


def volume(root: Path, version: str) -> None:
    """Put a version of a volume in place as Kubernetes does: by moving the link `..data`."""
    before = (root / "..data").resolve()
    data = root / f"..{version}"
    data.mkdir()
    for name in ("config.yaml", "settings.yaml"):
        (data / name).write_text(version)
    by_rename(root / "..data", data.name)
    if before.name != "..data":
        shutil.rmtree(before)


async def test_a_volume_of_kubernetes_is_noticed_every_time(
    tmp_path: Path, *, polled: bool
) -> None:
    volume(tmp_path, "2026_01")
    files = [tmp_path / name for name in ("config.yaml", "settings.yaml")]
    for file in files:
        file.symlink_to(f"..data/{file.name}")
    async with watching(*files, poll=polled, quiet=0.02) as watch:
        for version in ("2026_02", "2026_03", "2026_04"):
            volume(tmp_path, version)
            await watch.until(files[1], version)
            assert files[0].read_text() == version


@pytest.mark.parametrize("closed", ["the file", "its directory"])
async def test_permissions_are_noticed_as_they_go_and_come(
    closed: str, config: Path, *, polled: bool
) -> None:
    path = config if closed == "the file" else config.parent
    mode = path.stat().st_mode
    async with watching(config, poll=polled, quiet=0.02) as watch:
        for _ in TEXTS:
            path.chmod(0)
            await watch.item()
            path.chmod(mode)
            await watch.item()

        config.write_text("second")
        await watch.until(config, "second")


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:50 / {} rw - nfs4 server:/export rw
"""


async def test_a_network_file_system_is_polled(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(tmp_path))
    monkeypatch.setattr(watcher, "_MOUNTINFO", mounts)
    monkeypatch.setattr(watcher, "_POLL", 0.02)
    with capture_logs() as lines:
        async with watching(config) as watch:
            replace(config, "second")
            await watch.until(config, "second")

    assert lines == [
        {
            "event": "files are polled, as the system does not tell changes",
            "log_level": "warning",
            "reason": f"{tmp_path} is a mount of type nfs4",
        }
    ]


async def test_a_file_with_another_name_is_polled(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "_POLL", 0.02)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = elsewhere / "other.yaml"
    other.hardlink_to(config)
    async with watching(config) as watch:
        other.write_text("second")
        await watch.until(config, "second")


async def test_a_relative_path_is_followed_into_the_directory_that_comes_in_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "config.yaml").write_text("first")
    monkeypatch.chdir(directory)
    files = Files(Path("config.yaml"))
    async with watching(*files.places()) as watch:
        shutil.rmtree(directory)
        await watch.item()
        with pytest.raises(ConfigError, match="there is no such file"):
            read(files).good()
        directory.mkdir()
        (directory / "config.yaml").write_text("second")
        await watch.until(directory / "config.yaml", "second")

    assert read(files).good() == (Source("config.yaml", b"second"),)
