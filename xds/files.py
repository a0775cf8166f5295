"""Know which files a control plane follows, and what they hold."""

from dataclasses import dataclass, field
from pathlib import Path

from xds.config.load import Loaded, Source, load, read_file
from xds.config.problems import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a control plane follows; `strict` takes warnings for errors.

    `base` is where relative paths begin: the working directory may be replaced or removed later.
    """

    config: Path
    settings: Path | None = None
    strict: bool = False
    base: Path = field(default_factory=Path.cwd)

    def paths(self) -> tuple[Path, ...]:
        """Return those that there are, as they were given."""
        return (self.config,) if self.settings is None else (self.config, self.settings)

    def places(self) -> tuple[Path, ...]:
        """Return where they are."""
        return tuple(self.base / path for path in self.paths())


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files hold, and what is wrong with those that can not be read."""

    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]

    def good(self) -> tuple[Source, ...]:
        """Return what the files hold; raises ConfigError if some can not be read."""
        if self.problems:
            raise ConfigError(self.problems)
        return self.sources


def read(files: Files, *, wait: bool = False) -> Reading:
    """Read the files as they are now; `wait` tells to wait for what comes through a pipe."""
    sources: list[Source] = []
    problems: list[Problem] = []
    for path, place in zip(files.paths(), files.places(), strict=True):
        try:
            sources.append(read_file(str(path), place, wait=wait))
        except ConfigError as error:
            problems.extend(error.problems)
    return Reading(tuple(sources), tuple(problems))


def load_files(files: Files) -> Loaded:
    """Return the gateway that the files describe, any of which may be a pipe.

    Raises ConfigError with every mistake in them.
    """
    return load(*read(files, wait=True).good(), strict=files.strict)
