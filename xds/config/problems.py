"""Know how a mistake in a file is told to the person who made it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

Path = tuple[str | int, ...]

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it stands, what is wrong, and what would be right.

    `line` and `column` count from 1; both are 0 where a file as a whole is meant.
    """

    file: str
    line: int
    column: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.text) if part)


class ConfigError(Exception):
    """A configuration that can not be used; carries every problem, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def spell(path: Path) -> str:
    """Return a path as a person would write it: `vllm_endpoints[0].address`."""
    spelled = ""
    for step in path:
        if isinstance(step, int):
            spelled += f"[{step}]"
        elif _PLAIN.match(step):
            spelled += f".{step}" if spelled else step
        else:
            spelled += f'["{step}"]'
    return spelled


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that was most likely meant; `cutoff` is how alike, 0 to 1."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name refers to nothing, which names there are, and which one is nearest."""
    names = list(known)
    said = f'there is no {kind} named "{name}"'
    if close := nearest(name, names):
        return f'{said}; did you mean "{close}"? Known: {listed(names)}'
    return f"{said}; known: {listed(names)}"


def listed(names: Iterable[str], most: int = 10) -> str:
    """Return names for a sentence, the first few of many."""
    some = list(names)
    shown = ", ".join(f'"{name}"' for name in some[:most])
    return f"{shown} and {len(some) - most} more" if len(some) > most else shown or "none"
