"""Know what is held back from a client, and in which order that began; not how long ago.

Whoever has a clock bounds each hold, which it knows by its number.
https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Holds:
    """The holds of one session, by type URL: removals that are kept back, and types that wait.

    Everything that begins gets the next number, so that an older hold has a smaller one.
    """

    count: int = 0
    _released: int = 0
    _kept: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)

    @property
    def current(self) -> frozenset[int]:
        """The numbers of all holds."""
        found = (*self._kept.values(), *self._waiting.values())
        return frozenset(number for number in found if number > self._released)

    def next(self) -> int:
        """Return the number of something that begins now."""
        self.count += 1
        return self.count

    def may_keep(self, type_url: str) -> bool:
        """Tell whether the removal of a type may be kept back, or kept back any longer."""
        return self._kept.get(type_url, self.count + 1) > self._released

    def keep(self, type_url: str) -> None:
        """Keep the removal of a type back, as maybe before."""
        if type_url not in self._kept:
            self._kept[type_url] = self.next()

    def remove(self, type_url: str) -> None:
        """Keep nothing of a type back any longer."""
        self._kept.pop(type_url, None)

    def may_wait(self, number: int) -> bool:
        """Tell whether something may wait for what began with a number."""
        return number > self._released

    def wait(self, type_url: str, number: int) -> None:
        """Let a type wait for what began with a number."""
        self._waiting[type_url] = number

    def go(self, type_url: str) -> None:
        """Let a type wait no longer."""
        self._waiting.pop(type_url, None)

    def release(self, number: int | None) -> None:
        """Let no hold last that is as old as a number, or none that there is."""
        self._released = max(self._released, self.count if number is None else number)
