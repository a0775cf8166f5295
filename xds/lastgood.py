"""Know how the last good files are kept on disk, for a start with files that are bad."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from xds.config.load import Source

_NAME: Final = "last-good.json"
_FORMAT: Final = 1


class LastGood:
    """The last good files, which are at some absolute paths, kept in a directory."""

    def __init__(self, directory: Path, places: Sequence[Path]) -> None:
        self.path = directory.absolute() / _NAME
        self._places = [str(place) for place in places]

    def save(self, sources: Sequence[Source]) -> None:
        """Keep files, all or none of them, so that they outlive a crash of the machine.

        Raises OSError where they can not be written; what was kept before stays then.
        """
        content = self._written(sources)
        directory = self.path.parent
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.is_file() and self.path.read_bytes() == content:
            return
        with _held(directory) as held:
            new = directory / f"{_NAME}.new"
            new.unlink(missing_ok=True)
            # Configurations hold keys: nobody else reads this.
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            new.replace(self.path)
            # A rename is on disk when its directory is.
            os.fsync(held)

    def load(self, names: Sequence[str]) -> tuple[Source, ...] | None:
        """Return what was kept of the files, under these names, or None if nothing was.

        Raises ValueError that says why it can not be used, OSError if it can not be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        sources = _read(content)
        if [source.name for source in sources] != self._places:
            kept = ", ".join(source.name for source in sources)
            message = f"it is of other files: {kept}"
            raise ValueError(message)
        return tuple(
            Source(name, source.content) for name, source in zip(names, sources, strict=True)
        )

    def _written(self, sources: Sequence[Source]) -> bytes:
        files = [
            # To be read by people; bytes that are no text come back as they were.
            {"name": place, "content": source.content.decode(errors="surrogateescape")}
            for place, source in zip(self._places, sources, strict=True)
        ]
        return json.dumps({"format": _FORMAT, "sha256": _checksum(files), "files": files}).encode()


@contextmanager
def _held(directory: Path) -> Iterator[int]:
    """Keep other control planes that share a directory from writing; yields its descriptor."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _read(content: bytes) -> list[Source]:
    try:
        kept = json.loads(content)
        files = kept["files"]
        is_whole = kept["format"] == _FORMAT and kept["sha256"] == _checksum(files)
    except (ValueError, KeyError, TypeError, RecursionError):
        is_whole = False
    if not is_whole:
        message = "it is damaged, or of another version of this program"
        raise ValueError(message)
    return [
        Source(file["name"], file["content"].encode(errors="surrogateescape")) for file in files
    ]


def _checksum(files: object) -> str:
    return sha256(json.dumps(files).encode()).hexdigest()
