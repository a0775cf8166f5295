"""Know which directory entries decide what a path leads to, and which mounts hide their changes."""

import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Linux gives up after as many links, too. https://man7.org/linux/man-pages/man7/path_resolution.7.html
_MOST_LINKS: Final = 40
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")

# What another machine, or the host of a virtual one, writes there is not told to this one.
# https://man7.org/linux/man-pages/man7/inotify.7.html, "Limitations and caveats"
_NETWORK: Final = {
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
}
_HOST: Final = {"9p", "prl_fs", "vboxsf", "virtiofs"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a directory entry is; of a directory, nothing that changes with what is in it."""

    device: int
    inode: int
    mode: int
    owner: int
    group: int
    content: tuple[int, int, int] | None
    links: int


@dataclass(frozen=True, slots=True)
class Trail:
    """All entries that are looked up on the way to some files; None where there is no such entry.

    The directory of each is a real one: no link is in its path.
    """

    entries: Mapping[Path, Entry | None]

    @property
    def watched(self) -> Mapping[Path, tuple[int, int] | None]:
        """Return which directories those are: others may come to the same paths."""
        found = {directory: self.entries.get(directory) for directory in self.directories}
        return {
            directory: (entry.device, entry.inode) if entry else None
            for directory, entry in found.items()
        }

    @property
    def directories(self) -> frozenset[Path]:
        """Return the directories that the entries are in."""
        return frozenset(entry.parent for entry in self.entries)


def trail(paths: Iterable[Path]) -> Trail:
    """Return the trail to some files, as it is now; what stays closed to us is as not there."""
    entries: dict[Path, Entry | None] = {}
    for path in paths:
        _walk(path.absolute(), entries)
    return Trail(entries)


def _walk(path: Path, entries: dict[Path, Entry | None]) -> None:
    here, *names = (Path(path.anchor), *path.parts[1:])
    links = 0
    while names:
        name = names.pop(0)
        if name == "..":
            here = here.parent
            continue
        here /= name
        found = entries[here] = _entry(here)
        if found is None:
            return
        if stat.S_ISLNK(found.mode):
            links += 1
            if links > _MOST_LINKS:
                return
            try:
                target = here.readlink()
            except OSError:
                return
            names = [*target.relative_to(target.anchor).parts, *names]
            here = Path(target.anchor) if target.is_absolute() else here.parent


def _entry(path: Path) -> Entry | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    is_directory = stat.S_ISDIR(found.st_mode)
    return Entry(
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_uid,
        found.st_gid,
        None if is_directory else (found.st_size, found.st_mtime_ns, found.st_ctime_ns),
        0 if is_directory else found.st_nlink,
    )


def untold(found: Trail, mountinfo: str) -> str | None:
    """Return what keeps changes on a trail from being told to who watches its directories, or None.

    `mountinfo` is the text of /proc/self/mountinfo.
    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    mounts: dict[Path, str] = {}
    for line in mountinfo.splitlines():
        place, _, kind = line.partition(" - ")
        # A later mount hides an earlier one at the same place.
        mounts[Path(_unescaped(place.split()[4]))] = kind.split()[0]
    for path, entry in sorted(found.entries.items()):
        # Who writes to a file under another name tells the directory of that one alone.
        if entry and entry.content and path in mounts:
            return f"{path} is a mount of its own"
        if entry and entry.content and entry.links > 1:
            return f"{path} has another name, too, as a hard link"
    for directory in sorted(found.directories):
        mount = next((one for one in (directory, *directory.parents) if one in mounts), None)
        if mount and _is_remote(mounts[mount]):
            return f"{mount} is a mount of type {mounts[mount]}"
    return None


def _is_remote(kind: str) -> bool:
    return kind in _NETWORK | _HOST or kind.startswith("fuse")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)
