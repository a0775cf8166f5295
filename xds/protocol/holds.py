"""Know what is held back from a client, and in which order that began; not how long ago.

Whoever has a clock bounds each hold, which it knows by its number.
https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_NONE: Final[frozenset[int]] = frozenset()


@dataclass(slots=True)
class Holds:
    """The holds of one session, by type URL: resources that are kept, and types that wait.

    Everything that begins gets the next number, so that an older hold has a smaller one.
    """

    count: int = 0
    _released: int = 0
    # By the name of each resource, too: what goes later may be kept for longer.
    _kept: dict[str, dict[str, int]] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)

    @property
    def current(self) -> frozenset[int]:
        """The numbers of all holds."""
        if not self._kept and not self._waiting:
            return _NONE
        kept = (number for names in self._kept.values() for number in names.values())
        return frozenset(
            number for number in (*kept, *self._waiting.values()) if number > self._released
        )

    def next(self) -> int:
        """Return the number of something that begins now."""
        self.count += 1
        return self.count

    def keep(self, type_url: str, names: Iterable[str]) -> frozenset[str]:
        """Keep all resources of a type that are to go, and return those that still may be kept."""
        before = self._kept.get(type_url, {})
        new = 0
        kept = {}
        for name in names:
            if name not in before:
                new = new or self.next()
            kept[name] = before.get(name, new)
        self._kept[type_url] = kept
        return frozenset(name for name, number in kept.items() if number > self._released)

    def remove(self, type_url: str) -> None:
        """Keep nothing of a type any longer."""
        self._kept.pop(type_url, None)

    def wait(self, type_url: str, number: int) -> bool:
        """Let a type wait for what began with a number, and tell whether it still may.

        What waits for one thing after the other has waited since the first.
        """
        return self._waiting.setdefault(type_url, number) > self._released

    def go(self, type_url: str) -> None:
        """Let a type wait no longer."""
        self._waiting.pop(type_url, None)

    def release(self, number: int | None) -> None:
        """Let no hold last that is as old as a number, or none that there is."""
        self._released = max(self._released, self.count if number is None else number)
