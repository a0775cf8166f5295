"""Know how the last good files are kept on disk, for a start with files that are bad."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from xds.config.load import Source

_NAME: Final = "last-good.json"
_FORMAT: Final = 1


class LastGood:
    """The last good files, in a directory that belongs to one control plane."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / _NAME

    def save(self, sources: Sequence[Source]) -> None:
        """Keep files, all or none of them, so that they outlive a crash of the machine.

        Raises OSError where they can not be written; what was kept before stays then.
        """
        content = _written(sources)
        directory = self.path.parent
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.is_file() and self.path.read_bytes() == content:
            return
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
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def load(self, names: Sequence[str]) -> tuple[Source, ...] | None:
        """Return what was kept of the files of these names, or None if nothing was.

        Raises ValueError that says why it can not be used, OSError if it can not be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        sources = _read(content)
        paths = [str(Path(name).absolute()) for name in names]
        if [source.name for source in sources] != paths:
            kept = ", ".join(source.name for source in sources)
            message = f"it is of other files: {kept}"
            raise ValueError(message)
        return tuple(
            Source(name, source.content) for name, source in zip(names, sources, strict=True)
        )


def _written(sources: Sequence[Source]) -> bytes:
    files = [
        {
            "name": str(Path(source.name).absolute()),
            # To be read by people; bytes that are no text come back as they were.
            "content": source.content.decode(errors="surrogateescape"),
        }
        for source in sources
    ]
    return json.dumps({"format": _FORMAT, "sha256": _checksum(files), "files": files}).encode()


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
