"""Know the current snapshot, and wake whoever follows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xds.snapshot import Snapshot


class SnapshotStore:
    """Holds the latest snapshot; nothing is served before the first `publish`.

    Belongs to one event loop: publish from the loop that runs the server.
    """

    def __init__(self) -> None:
        self._current: Snapshot | None = None
        self._followers: dict[object, Callable[[], None]] = {}

    @property
    def current(self) -> Snapshot | None:
        """The latest snapshot, or None before the first."""
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the current snapshot and wake every follower; never waits for any of them."""
        self._current = snapshot
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
