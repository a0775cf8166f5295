"""Know how the halves join: files → gateway → resources → snapshot → ADS."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from xds.config.gateway import Gateway
from xds.config.load import Source, load, read_file
from xds.config.problems import ConfigError, Problem
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource
from xds.server.ads import AdsServer
from xds.server.credentials import TlsFiles, server_credentials
from xds.snapshot import Change, Snapshot
from xds.store import SnapshotStore
from xds.translate import Translation, translate
from xds.watcher import changes

_log = structlog.get_logger("xds")

_NAMES: Final = {
    CLUSTERS: "clusters",
    ENDPOINTS: "endpoints",
    LISTENERS: "listeners",
    ROUTES: "routes",
}


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a control plane follows."""

    config: Path
    settings: Path | None = None

    def paths(self) -> tuple[Path, ...]:
        """Return those that there are."""
        return (self.config,) if self.settings is None else (self.config, self.settings)


def load_files(files: Files) -> Gateway:
    """Return the gateway that the files describe.

    Raises ConfigError with every mistake in them.
    """
    return load(*_read(files))


def _read(files: Files) -> list[Source]:
    sources: list[Source] = []
    problems: list[Problem] = []
    for path in files.paths():
        try:
            sources.append(read_file(path))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return sources


def build_snapshot(translation: Translation) -> Snapshot:
    """Return the resources of a gateway in the form in which they are served."""
    return Snapshot.build(_resources(translation))


def _resources(translation: Translation) -> Iterable[Resource]:
    for cluster in translation.clusters:
        yield Resource(CLUSTERS, cluster.name, cluster)
    for assignment in translation.endpoints:
        yield Resource(ENDPOINTS, assignment.cluster_name, assignment)
    for listener in translation.listeners:
        yield Resource(LISTENERS, listener.name, listener)
    for route in translation.routes:
        yield Resource(ROUTES, route.name, route)


class Publisher:
    """Publishes what the files say, whenever they say something new.

    A mistake in them changes nothing: the last good snapshot stays, and the log says why.
    """

    def __init__(self, files: Files, store: SnapshotStore) -> None:
        self._files = files
        self._store = store
        self._seen: list[Source] | None = None

    async def publish(self) -> None:
        """Read the files and publish what they say, if it is new since the last call.

        Raises ConfigError with every mistake in them.
        """
        # Parsing and translating run beside the event loop, which serves meanwhile.
        sources = await asyncio.to_thread(_read, self._files)
        if sources == self._seen:
            return
        self._seen = sources
        snapshot = await asyncio.to_thread(_snapshot, sources)
        current = self._store.current
        if current is not None and snapshot.versions == current.versions:
            _log.info("configuration read; nothing that matters here changed")
            return
        self._store.publish(snapshot)
        _log.info("configuration published", **_words(current, snapshot))

    async def follow(self) -> None:
        """Publish after every change of the files, for ever."""
        async for _ in changes(self._files.paths()):
            try:
                await self.publish()
            except ConfigError as error:
                for problem in error.problems:
                    _log.error(
                        "configuration refused; the last good one stays", problem=str(problem)
                    )
            except Exception:  # noqa: BLE001  whatever a file makes us do, what runs goes on
                _log.exception("configuration not understood; the last good one stays")


def _snapshot(sources: list[Source]) -> Snapshot:
    return build_snapshot(translate(load(*sources)))


def _words(old: Snapshot | None, new: Snapshot) -> dict[str, str]:
    """Return what changed, for the log: `{"clusters": "+2 ~3"}`."""
    found = new.changes_since(old or Snapshot.build(()))
    return {_NAMES[url]: _counted(change) for url, change in found.items()}


def _counted(change: Change) -> str:
    signed = (("+", change.added), ("-", change.removed), ("~", change.changed))
    return " ".join(f"{sign}{count}" for sign, count in signed if count)


@asynccontextmanager
async def control_plane(
    files: Files, listen: str, *, tls: TlsFiles | None = None, grace: float = 5
) -> AsyncIterator[int]:
    """Serve the files, and every change of them, for as long as the context lasts.

    Yields the port. `grace` is how long streams may take to end, in seconds. Raises ConfigError if
    the files hold mistakes at the start, OSError if `listen` can not be listened on, or the
    certificates can not be used.
    """
    store = SnapshotStore()
    server = AdsServer(store, identifier="semantic-router-xds")
    publisher = Publisher(files, store)
    port = await server.start(listen, server_credentials(tls) if tls else None)
    try:
        await publisher.publish()
        async with asyncio.TaskGroup() as group:
            following = group.create_task(publisher.follow())
            try:
                yield port
            finally:
                following.cancel()
    finally:
        await server.stop(grace)
