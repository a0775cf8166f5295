"""Know where a text stands: in a file of its own, or as a value inside a Kubernetes manifest."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from xds.config.problems import Path, Problem, spell
from xds.config.tree import Place

# As libyaml counts lines.
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# Only what follows `|` stands in the manifest line by line as it is.
_LITERAL: Final = re.compile(r"(?:[&!]\S*\s+)*\|")


@dataclass(frozen=True)
class Origin:
    """A file, whose text is the whole of it."""

    file: str

    def place(self, place: Place) -> Place:
        """Return where a place in the text stands in the file."""
        return place

    def line(self, place: Place) -> str:
        """Return the line of a place, for a sentence."""
        return f"line {self.place(place)[0] + 1}"

    def spot(self, place: Place) -> str:
        """Return where exactly a place is, for a sentence."""
        line, column = self.place(place)
        return f"at {line + 1}:{column + 1}"

    def problem(self, place: Place, path: Path, text: str) -> Problem:
        """Return a mistake at a place in the text."""
        line, column = self.place(place)
        return Problem(self.file, line + 1, column + 1, spell(path), text)


@dataclass(frozen=True)
class Embedded(Origin):
    """A text that is the value at a path in a file's own text, and begins there at `start`."""

    path: Path
    start: Place
    outer: str = field(repr=False)
    inner: str = field(repr=False)

    def place(self, place: Place) -> Place:
        line, column = place
        there = self.start[0] + 1 + line
        if not self._is_literal or there >= len(self._outer_lines):
            return self.start
        inner = self._inner_lines[line] if line < len(self._inner_lines) else ""
        return there, column + len(self._outer_lines[there]) - len(inner)

    def line(self, place: Place) -> str:
        return super().line(place) if self._is_literal else f"line {place[0] + 1} of it"

    def spot(self, place: Place) -> str:
        return super().spot(place) if self._is_literal else f"in {self.line(place)}"

    def problem(self, place: Place, path: Path, text: str) -> Problem:
        told = text if self._is_literal else f"{text} (in {self.line(place)})"
        return super().problem(place, (*self.path, *path), told)

    @cached_property
    def _is_literal(self) -> bool:
        line, column = self.start
        return _LITERAL.match(self._outer_lines[line], column) is not None

    @cached_property
    def _outer_lines(self) -> list[str]:
        return _BREAK.split(self.outer)

    @cached_property
    def _inner_lines(self) -> list[str]:
        return _BREAK.split(self.inner)
