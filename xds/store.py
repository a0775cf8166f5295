"""Know the current snapshot and what was published before, and wake whoever follows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from xds.selection import Selection
from xds.snapshot import Snapshot

# So many versions of a type an Envoy may be behind that comes back after some edits.
_REMEMBERED: Final = 8


class SnapshotStore:
    """Holds the latest snapshot; nothing is served before the first `publish`.

    Belongs to one event loop: publish from the loop that runs the server.
    """

    def __init__(self) -> None:
        self._current: Snapshot | None = None
        # By type, the selections of everything by version, the latest last.
        self._recent: dict[str, dict[str, Selection]] = {}
        self._followers: dict[object, Callable[[], None]] = {}

    @property
    def current(self) -> Snapshot | None:
        """The latest snapshot, or None before the first."""
        return self._current

    def known(self, type_url: str, version: str) -> Selection | None:
        """Return all resources of a type as they were under a version; None if that is not known.

        Of each type, the current version and some before it are remembered, and what was sent
        between two of them.
        """
        recent = self._recent.get(type_url, {})
        if version in recent:
            return recent[version]
        between = (each.retained(version) for each in recent.values())
        return next((each for each in between if each is not None), None)

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the current snapshot and wake every follower; never waits for any of them."""
        self._current = snapshot
        for type_url in {*self._recent, *snapshot.resources}:
            recent = self._recent.setdefault(type_url, {})
            everything = snapshot.everything(type_url)
            recent.pop(everything.version, None)
            recent[everything.version] = everything
            if len(recent) > _REMEMBERED:
                del recent[next(iter(recent))]
        for wake in tuple(self._followers.values()):
            wake()

    @contextmanager
    def follow(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` after each publish, for as long as the context lasts."""
        key = object()
        self._followers[key] = wake
        try:
            yield
        finally:
            del self._followers[key]
