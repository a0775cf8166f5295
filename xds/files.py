"""Know which files a control plane follows, and what they hold."""

from dataclasses import dataclass
from pathlib import Path

from xds.config.load import Loaded, Source, load, read_file
from xds.config.problems import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a control plane follows; `strict` takes warnings for errors."""

    config: Path
    settings: Path | None = None
    strict: bool = False

    def paths(self) -> tuple[Path, ...]:
        """Return those that there are."""
        return (self.config,) if self.settings is None else (self.config, self.settings)


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


def read(files: Files) -> Reading:
    """Read the files as they are now."""
    sources: list[Source] = []
    problems: list[Problem] = []
    for path in files.paths():
        try:
            sources.append(read_file(path))
        except ConfigError as error:
            problems.extend(error.problems)
    return Reading(tuple(sources), tuple(problems))


def load_files(files: Files) -> Loaded:
    """Return the gateway that the files describe.

    Raises ConfigError with every mistake in them.
    """
    return load(*read(files).good(), strict=files.strict)
