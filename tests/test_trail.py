"""What hides the changes of a file, and when its directory is another."""

from pathlib import Path

import pytest

from xds.trail import Trail, trail, untold

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
41 22 0:51 / /srv rw - nfs server:/export rw
42 41 0:52 / /srv/local rw master:3 propagate_from:2 - xfs /dev/sdb rw
43 22 0:53 / /mnt/with\\040space rw - cifs //server/share rw
44 22 0:54 / /home rw - fuse.sshfs me@server: rw
45 22 0:55 / /over rw - nfs4 server:/export rw
46 22 0:56 / /over rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        ("/etc/xds", None),
        ("/srv", "/srv is a mount of type nfs"),
        ("/srv/xds", "/srv is a mount of type nfs"),
        ("/srv/local/xds", None),
        ("/srvnot", None),
        ("/mnt/with space/xds", "/mnt/with space is a mount of type cifs"),
        ("/home/me", "/home is a mount of type fuse.sshfs"),
        ("/over/xds", None),
    ],
)
def test_a_directory_is_on_the_nearest_mount_above_it(directory: str, reason: str | None) -> None:
    found = Trail(dict.fromkeys([Path("/etc"), Path(directory), Path(directory, "config.yaml")]))

    assert untold(found, MOUNTS) == reason


def test_who_writes_to_a_file_under_another_name_is_not_heard(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("")
    assert untold(trail([config]), MOUNTS) is None

    mounted = f"{MOUNTS}50 22 254:0 /x {config} rw - ext4 /dev/root rw\n"
    assert untold(trail([config]), mounted) == f"{config} is a mount of its own"
    (tmp_path / "other").hardlink_to(config)
    linked = f"{config} has another name, too, as a hard link"
    assert untold(trail([config]), MOUNTS) == linked


def test_another_directory_at_the_same_path_is_another(tmp_path: Path) -> None:
    config = tmp_path / "d" / "config.yaml"
    config.parent.mkdir()
    config.write_text("")
    before = trail([config]).watched
    config.write_text("new")
    assert trail([config]).watched == before

    config.parent.rename(tmp_path / "old")
    config.parent.mkdir()
    config.write_text("")
    assert trail([config]).watched != before
