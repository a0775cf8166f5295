"""Know which values of a file were there before, and give them out as the same objects.

Whoever works with what a file says can then tell at a glance what an edit has left alone.
"""

from typing import Any, Final, Self

from xds.config.scalars import Scalar, plain

# Many edits of a small file are remembered before all is forgotten.
_FEW: Final = 1 << 16


class Shared:
    """The values of a file and of those before it: each that is written alike is there once.

    Of what is in a collection, the identity counts: 1, 1.0 and True are equal. `size` is how much
    is remembered, in characters; a collection counts as one.
    """

    def __init__(self) -> None:
        self._plain: dict[str, Scalar] = {}
        self._quoted: dict[str, str] = {}
        self._mappings: dict[tuple[object, ...], dict[str, Any]] = {}
        self._lists: dict[tuple[int, ...], list[Any]] = {}
        self.size = 0

    def fit_for(self, length: int) -> Self:
        """Return these values, or none if few of them can be in a text of some length."""
        return self if self.size <= 2 * length + _FEW else type(self)()

    def plain(self, text: str) -> Scalar:
        """Return what a scalar without quotes means."""
        try:
            return self._plain[text]
        except KeyError:
            self.size += len(text)
            value = self._plain[text] = plain(text)
            return value

    def quoted(self, text: str) -> str:
        """Return the text of a scalar in quotes."""
        found = self._quoted.get(text)
        if found is None:
            self.size += len(text)
            found = self._quoted[text] = text
        return found

    def mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a mapping, all values in which were given out already."""
        key = (*value, *map(id, value.values()))
        found = self._mappings.get(key)
        if found is None:
            self.size += 1
            found = self._mappings[key] = value
        return found

    def sequence(self, value: list[Any]) -> list[Any]:
        """Return a list, all values in which were given out already."""
        key = tuple(map(id, value))
        found = self._lists.get(key)
        if found is None:
            self.size += 1
            found = self._lists[key] = value
        return found
