"""Know how what files say comes into force, and what stays in force when they say nothing good."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from xds.build import Build, InconsistencyError, build
from xds.config.gateway import Gateway
from xds.config.load import Loaded, Source, load
from xds.config.problems import ConfigError, Problem
from xds.configstate import ConfigState, InForce, Refusal
from xds.dataplane import judge
from xds.files import Files, Reading, read
from xds.lastgood import LastGood
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Resource, kind
from xds.snapshot import Snapshot
from xds.store import SnapshotStore
from xds.translate import translate
from xds.translate.endpoints import address
from xds.translate.static import static_bootstrap
from xds.translate.text import to_dict, to_json
from xds.watcher import changes

_log = structlog.get_logger("xds")

_PUBLISHED: Final = (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)
# How many names of resources a log line tells, for each kind.
_NAMED: Final = 3


class Publisher:
    """Publishes what the files say, whenever they say something new.

    A mistake in them changes nothing: the last good snapshot stays, and log and state say why.
    With `last_good`, what was good is kept for the next start. With `envoy`, that Envoy accepts
    whatever is published before it is.
    """

    def __init__(
        self,
        files: Files,
        store: SnapshotStore,
        *,
        last_good: LastGood | None = None,
        envoy: Path | None = None,
    ) -> None:
        self._files = files
        self._store = store
        self._last_good = last_good
        self._envoy = envoy
        self._seen: Reading | None = None
        self._last: tuple[Loaded, Build] | None = None
        self._publishing = asyncio.Lock()
        self.state = ConfigState(
            files=tuple(map(str, files.paths())),
            state_dir=str(last_good.path.parent) if last_good else None,
        )

    async def start(self, *, waits: bool) -> None:
        """Publish what the files say, or else the last good ones that were kept.

        Where neither can be served, `waits` tells to go on without. Raises ConfigError otherwise.
        """
        try:
            await self.publish()
        except ConfigError as error:
            await self._restore()
            if self.state.in_force is None and not waits:
                raise
            self._tell(error)

    async def publish(self, *, again: bool = False) -> None:
        """Read the files and publish what they say, if it is new since the last call, or `again`.

        Raises ConfigError with every mistake in them.
        """
        async with self._publishing:
            # Parsing and translating run beside the event loop, which serves meanwhile.
            reading = await asyncio.to_thread(read, self._files)
            if reading == self._seen and not again:
                return
            self._seen = reading
            try:
                sources = reading.good()
                snapshot = await self._judged(sources)
            except ConfigError as error:
                self._refuse(error)
                raise
            # Kept first: were we killed in between, a later start would take Envoys back.
            await self._keep(sources)
            self._put_in_force(snapshot)
            self.state = replace(self.state, refusal=None)

    async def reload(self) -> None:
        """Publish what the files say, even if it is not new; what is wrong goes to the log."""
        await self._refresh(again=True)

    async def follow(self, *, poll: bool = False) -> None:
        """Publish after every change of the files, for ever."""
        async for _ in changes(self._files.places(), poll=poll):
            await self._refresh()

    async def _refresh(self, *, again: bool = False) -> None:
        try:
            await self.publish(again=again)
        except ConfigError as error:
            self._tell(error)

    def _put_in_force(self, snapshot: Snapshot, *, from_state_dir: bool = False) -> None:
        current, since = self._store.current, datetime.now(UTC)
        if self._is_new(snapshot):
            self._store.publish(snapshot)
            _log.info("configuration published", **_words(current, snapshot))
        else:
            _log.info("configuration read; nothing that matters here changed")
            since = self.state.in_force.since if self.state.in_force else since
        versions = {kind(url): version for url, version in snapshot.versions.items()}
        self.state = replace(self.state, in_force=InForce(since, versions, from_state_dir))

    async def _judged(self, sources: tuple[Source, ...]) -> Snapshot:
        """Return what is to be served, which nobody objects to; raises ConfigError otherwise."""
        refusal = None
        try:
            loaded, built = await asyncio.to_thread(
                _build, sources, self._last, strict=self._files.strict
            )
            _tell_notes(loaded)
            if self._envoy and self._is_new(built.snapshot):
                refusal = await _refusal(self._envoy, loaded)
        except ConfigError:
            raise
        except InconsistencyError as error:
            refusal = f"this is a mistake of ours: {error}"
        except Exception as error:  # noqa: BLE001  whatever a file makes us do, what runs goes on
            _log.exception("configuration not understood")
            refusal = f"not understood, which is our mistake: {type(error).__name__}, see the log"
        if refusal is not None:
            raise ConfigError([Problem(str(self._files.config), 0, 0, "", refusal)])
        self._last = loaded, built
        return built.snapshot

    def _is_new(self, snapshot: Snapshot) -> bool:
        current = self._store.current
        return current is None or snapshot.versions != current.versions

    def _refuse(self, error: ConfigError) -> None:
        before = self.state.refusal
        since = before.since if before else datetime.now(UTC)
        self.state = replace(self.state, refusal=Refusal(since, tuple(map(str, error.problems))))

    def _tell(self, error: ConfigError) -> None:
        if self.state.in_force is None:
            event = "waiting for a configuration that can be served"
        elif self.state.in_force.from_state_dir:
            event = "configuration refused; the last good one, from the state directory, is served"
        else:
            event = "configuration refused; the last good one stays"
        for problem in error.problems:
            if problem.is_warning:
                _tell_warning(problem)
            else:
                _log.error(event, problem=str(problem))

    async def _keep(self, sources: tuple[Source, ...]) -> None:
        if self._last_good is None:
            return
        trouble = None
        try:
            await asyncio.to_thread(self._last_good.save, sources)
        except OSError as error:
            trouble = f"{self._last_good.path} can not be written: {error.strerror}"
            _log.warning("the last good configuration is not kept for a restart", reason=trouble)
        self.state = replace(self.state, state_dir_trouble=trouble)

    async def _restore(self) -> None:
        if self._last_good is None:
            return
        try:
            kept = await asyncio.to_thread(self._last_good.load, self.state.files)
            if kept is not None:
                self._put_in_force(await self._judged(kept), from_state_dir=True)
        except (OSError, ValueError, ConfigError) as error:
            trouble = f"{self._last_good.path} is ignored: {error}"
            _log.error("the last good configuration can not be used", reason=trouble)
            self.state = replace(self.state, state_dir_trouble=trouble)


def _build(
    sources: tuple[Source, ...], last: tuple[Loaded, Build] | None, *, strict: bool
) -> tuple[Loaded, Build]:
    read, built = last or (None, None)
    loaded = load(*sources, last=read, strict=strict)
    return loaded, build(loaded.gateway, built)


def _tell_notes(loaded: Loaded) -> None:
    """Tell what the author of files that can be used should know all the same."""
    if loaded.inside:
        _log.info("configuration found in a ConfigMap", key=loaded.inside)
    for warning in loaded.warnings:
        _tell_warning(warning)


def _tell_warning(warning: Problem) -> None:
    _log.warning("configuration may not do what it says", problem=str(warning))


async def _refusal(envoy: Path, loaded: Loaded) -> str | None:
    """Return why an Envoy refuses what is to be published, or None if it accepts it."""
    config = await asyncio.to_thread(_static, loaded.gateway)
    try:
        words = await judge(envoy, config)
    except OSError as error:
        return f"Envoy can not judge what this becomes: {error}"
    return words and f"Envoy refuses what this becomes: {words}"


def _static(gateway: Gateway) -> str:
    # What Envoy says of it goes to log and status, which no secret may.
    translation = translate(gateway.without_secrets())
    # Nothing listens there: Envoy only judges.
    return to_json(to_dict(static_bootstrap(translation, address("127.0.0.1", 0))))


def _words(old: Snapshot | None, new: Snapshot) -> dict[str, str]:
    """Return what changed, for the log: `{"clusters": "+1 ~1: +model/a ~model/b"}`."""
    if old is None:
        return {kind(url): f"+{len(new.of_type(url))}" for url in _PUBLISHED}
    compared = {kind(url): _compared(old.of_type(url), new.of_type(url)) for url in _PUBLISHED}
    return {name: words for name, words in compared.items() if words}


def _compared(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> str:
    changed = {name for name in old.keys() & new.keys() if old[name].version != new[name].version}
    by_sign = {"+": new.keys() - old.keys(), "-": old.keys() - new.keys(), "~": changed}
    counts = [f"{sign}{len(names)}" for sign, names in by_sign.items() if names]
    named = [f"{sign}{name}" for sign, names in by_sign.items() for name in sorted(names)]
    if not named:
        return ""
    more = " …" if len(named) > _NAMED else ""
    return f"{' '.join(counts)}: {' '.join(named[:_NAMED])}{more}"
