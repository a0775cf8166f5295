"""Know how a mistake in a file is told to the person who made it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Final

Path = tuple[str | int, ...]

# Among more names than these, only some are compared.
_MANY: Final = 50
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it stands, what is wrong, and what would be right.

    `line` and `column` count from 1; both are 0 where a file as a whole is meant. A warning is a
    mistake that the file can be used with.
    """

    file: str
    line: int
    column: int
    path: str
    text: str
    is_warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        level = "warning" if self.is_warning else ""
        said = ": ".join(part for part in (place, level, self.path, self.text) if part)
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in said)


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
    lower = {each.lower(): each for each in known}
    candidates = list(lower)
    if len(candidates) > _MANY:
        # Comparing takes long; a slip of the pen leaves one end of a name as it was.
        ends = name.lower()[:2], name.lower()[-2:]
        alike = (each for each in candidates if each.startswith(ends[0]) or each.endswith(ends[1]))
        candidates = list(islice(alike, _MANY))
    found = get_close_matches(name.lower(), candidates, n=1, cutoff=cutoff)
    return lower[found[0]] if found else None


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
