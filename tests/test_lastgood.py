"""The last good files on disk: all of them as they were, or a clear word."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xds.config.load import Source
from xds.lastgood import LastGood

SOURCES = (Source("config.yaml", b"a: \xff\xfe\x00 \xe2\x82\xac\r\n"), Source("/etc/s.yaml", b""))
NAMES = ("config.yaml", "/etc/s.yaml")
NEW = (Source("config.yaml", b"new"), Source("/etc/s.yaml", b""))
PLACES = (Path("/srv/config.yaml"), Path("/etc/s.yaml"))


@pytest.fixture
def kept(tmp_path: Path) -> LastGood:
    last_good = LastGood(tmp_path / "state" / "xds", PLACES)
    last_good.save(SOURCES)
    return last_good


def test_what_was_kept_comes_back_byte_for_byte(kept: LastGood) -> None:
    assert LastGood(kept.path.parent, PLACES).load(NAMES) == SOURCES


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    assert LastGood(tmp_path / "state", PLACES).load(NAMES) is None


def test_nobody_else_may_read_it(kept: LastGood) -> None:
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700


def test_it_is_replaced_as_a_whole_and_leaves_nothing_beside_it(kept: LastGood) -> None:
    before = kept.path.open("rb")
    with before:
        # Left by a process that was killed while it wrote.
        kept.path.with_name("last-good.json.new").write_text("{")
        kept.save(NEW)
        assert b"new" not in before.read()

    assert kept.load(NAMES) == NEW
    assert os.listdir(kept.path.parent) == ["last-good.json"]  # noqa: PTH208  names alone


def test_what_is_kept_already_is_not_written_again(kept: LastGood) -> None:
    before = kept.path.stat()
    kept.save(SOURCES)
    assert kept.path.stat() == before


def test_a_file_of_which_any_byte_is_lost_or_other_is_not_used(kept: LastGood) -> None:
    whole = kept.path.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    damaged += [whole[:at] + b"~" + whole[at + 1 :] for at in range(len(whole))]
    for content in (*damaged, b"[]", b"{}", b"null", b"[" * 100_000, b'{"files": []}'):
        kept.path.write_bytes(content)
        with pytest.raises(ValueError, match="it is damaged, or of another version"):
            kept.load(NAMES)


def test_what_is_kept_of_other_files_is_not_used(kept: LastGood) -> None:
    for places in (PLACES[:1], (Path("/srv/other.yaml"), PLACES[1])):
        with pytest.raises(ValueError, match=r"of other files: /srv/config.yaml, /etc/s.yaml"):
            LastGood(kept.path.parent, places).load(NAMES)


def test_control_planes_that_share_a_directory_do_not_meet_in_it(kept: LastGood) -> None:
    others = [LastGood(kept.path.parent, PLACES) for _ in range(8)]
    contents = [(Source("", str(number).encode()), Source("", b"")) for number in range(50)]
    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(lambda number: others[number % 8].save(contents[number]), range(50)))

    found = kept.load(("", ""))
    assert found in contents
    assert os.listdir(kept.path.parent) == ["last-good.json"]  # noqa: PTH208  names alone


def test_what_can_not_be_written_leaves_what_was_kept(
    kept: LastGood, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xds.lastgood.os.fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        kept.save(NEW)

    assert kept.load(NAMES) == SOURCES


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "last-good.json").mkdir()

    with pytest.raises(IsADirectoryError):
        LastGood(tmp_path, PLACES).load(NAMES)
