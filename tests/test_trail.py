"""Which mounts hide the changes in them."""

from pathlib import Path

import pytest

from xds.trail import remote_mount

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
    assert remote_mount([Path("/"), Path("/etc"), Path(directory)], MOUNTS) == reason
