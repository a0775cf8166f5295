"""Know which values a file has in common with the last one, and give them out as the same objects.

Whoever works with what a file says can then tell at a glance what an edit has left alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from xds.config.scalars import Scalar, plain

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """The values of one file: numbers by how they are written, collections by what is in them.

    Text in a collection counts as it is; of all else the identity counts, as 1, 1.0 and True are
    equal.
    """

    numbers: dict[str, Scalar] = field(default_factory=dict)
    mappings: dict[_Key, dict[str, Any]] = field(default_factory=dict)
    lists: dict[_Key, list[Any]] = field(default_factory=dict)


class Sharer:
    """Gives out the values of a file: those of the last one, as far as they are alike."""

    def __init__(self, last: Shared) -> None:
        self._last = last
        self.shared = Shared()

    def plain(self, text: str) -> Scalar:
        """Return what a scalar without quotes means."""
        mine = self.shared.numbers
        if text in mine:
            return mine[text]
        value = plain(text)
        if isinstance(value, int | float):
            value = mine[text] = self._last.numbers.get(text, value)
        return value

    def mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a mapping, all values in which were given out already."""
        key = (*value, *_alike(value.values()))
        return self.shared.mappings.setdefault(key, self._last.mappings.get(key, value))

    def sequence(self, value: list[Any]) -> list[Any]:
        """Return a list, all values in which were given out already."""
        key = tuple(_alike(value))
        return self.shared.lists.setdefault(key, self._last.lists.get(key, value))


def _alike(values: Iterable[Any]) -> list[object]:
    return [value if isinstance(value, str) else id(value) for value in values]
