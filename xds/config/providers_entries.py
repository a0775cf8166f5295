"""Know what an entry of `providers.models` says, whatever else the file says."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeGuard

from xds.config.addresses import Parts
from xds.config.environment import filled, variables
from xds.config.gateway import Endpoint, Resilience
from xds.config.places import at, mapping, sequence
from xds.config.problems import Path, Problem
from xds.config.providers_schema import READ, BackendRef, ModelEntry
from xds.config.reading import Entries, Reader, loras
from xds.config.settings import merged
from xds.config.upstreams import Upstream, port_like_end, upstream, upstream_faults
from xds.config.validation import is_secret, validate

MODELS: Path = ("providers", "models")


@dataclass(frozen=True, slots=True)
class Backend:
    """What an item of `backend_refs` or `endpoints` says; no server where it has a mistake."""

    name: str
    server: Upstream | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What an item of `providers.models` says.

    `endpoints` are the names of its endpoints in the order in which they stand; the pool has them
    by name, None where there is a mistake in one. There is no `resilience` where there is a mistake
    in the model itself. `servers` are those of its endpoints, and `known` is what its backends say.
    """

    name: str
    loras: tuple[tuple[int, str], ...]
    endpoints: tuple[str, ...]
    pool: Mapping[str, Endpoint | None]
    resilience: Resilience | None
    servers: tuple[Upstream, ...]
    known: Entries[Backend] = field(compare=False, repr=False)


@dataclass
class EntryReader(Reader, ABC):
    """Reads entries of both dialects; `environment` is what references refer to."""

    environment: Mapping[str, str] = field(default_factory=dict)
    unset: list[Problem] = field(default_factory=list)

    model: ClassVar[type[ModelEntry]]
    backend: ClassVar[type[BackendRef]]
    # The key under which a model lists its endpoints, and that of the other dialect.
    backends: ClassVar[str]
    others: ClassVar[tuple[str, str]]
    # Where names stand in a model, and where other forms of the file have what this one has
    # elsewhere.
    names_of_model: ClassVar[Sequence[str]]
    elsewhere_of_model: ClassVar[Mapping[str, str]]
    known_of_model: ClassVar[Sequence[str]]
    known_of_backend: ClassVar[Sequence[str]]

    def resilience(self, model: ModelEntry) -> Resilience:  # noqa: ARG002  where C asks
        """Return how a model is treated before the settings have their say on it."""
        return self.settings.resilience

    @abstractmethod
    def check_model(self, path: Path, item: Mapping[str, Any]) -> None:
        """Check what only one of the dialects has in a model."""

    def filled(self, path: Path, value: Any, but: Collection[Path] = ()) -> Any:  # noqa: ANN401  any YAML value
        """Return a value with references filled in, and tell of variables that are not set."""
        found, missing = filled(value, self.environment, READ, but)
        self.unset += [self._unset((*path, *steps), name) for steps, name in missing.items()]
        return found

    def _unset(self, path: Path, name: str) -> Problem:
        said = str(at(self.document.data, path))
        if is_secret(path) or "@" in said:
            # What seems to be the name of a variable may be a part of the key.
            text = "refers to an environment variable that is not set; set it, "
            return self.document.problem(path, f"{text}or write `$$` for a dollar")
        text = f"refers to the environment variable {name}, which is not set; set it, "
        return self.document.problem(path, f"{text}or write ${{{name}:-default}}")

    def said(self, path: Path, raw: object) -> Said:
        """Return what a model says, from which references are not filled in yet."""
        item = self.filled(path, raw, [(self.backends,)])
        item = self.check_names(path, item, self.names_of_model)
        said = mapping(item)
        self.check_form(path, said, self.elsewhere_of_model)
        self.check_keys(path, said, self.known_of_model)
        self.check_model(path, said)
        key, version = self.others
        if key in said:
            text = f"belongs to `version: {version}`; write `{self.backends}`, or that version"
            self.error((*path, key), text, key=True)
        name = _name(item)
        last = self._last(name)
        where = (*path, self.backends)
        backends, known = self.recall(
            where,
            sequence(said.get(self.backends)),
            self._backend,
            last.known if last else Entries(),
        )
        endpoints = [
            f"{name}_{backend.name or (f'backend-{number}' if number > 1 else 'primary')}"
            for number, backend in enumerate(backends, 1)
        ]
        pool: dict[str, Endpoint | None] = {}
        for endpoint, backend in zip(endpoints, backends, strict=True):
            pool.setdefault(endpoint, self._endpoint(endpoint, backend, last))
        read = validate(self.document, self.model, item, path, self.problems)
        if read is not None:
            served = tuple(endpoint for endpoint in pool.values() if endpoint)
            if len(served) == len(pool):
                self.check_model_pool(where, name, served)
        resilience = self._resilience(read) if read else None
        servers = tuple(
            Upstream(each.address, each.port, each.tls, each.path) for each in pool.values() if each
        )
        return Said(name, loras(said), tuple(endpoints), pool, resilience, servers, known)

    def _last(self, name: str) -> Said | None:
        """Return what a model of some name said last."""
        (said, *_), _ = self.last.made.get((*MODELS, name), ((None,), None))
        return said if isinstance(said, Said) else None

    def _backend(self, path: Path, raw: object) -> Backend:
        item = self.check_names(path, self.filled(path, raw), ("name",))
        faultless = len(self.problems)
        said = mapping(item)
        self.check_keys(path, said, self.known_of_backend)
        key = "endpoint" if said.get("endpoint") else "base_url"
        text = said.get(key)
        for fault in upstream_faults(text, url=key == "base_url") if _is_text(text) else ():
            self.error((*path, key), fault)
        read = validate(self.document, self.backend, item, path, self.problems)
        if not text and len(self.problems) == faultless:
            self._no_server(path)
        if read is None or len(self.problems) > faultless:
            return Backend(_name(said))
        self._check_server(path, said, key)
        server = upstream(said[key], tls=read.protocol == "https")
        return Backend(_name(said), server, read.weight)

    def _endpoint(self, name: str, backend: Backend, last: Said | None) -> Endpoint | None:
        """Return an endpoint: the last one of its name, if that is the same."""
        if backend.server is None:
            return None
        before = last.pool.get(name) if last else None
        endpoint = self.endpoint(name, backend.server, backend.weight)
        return before if before == endpoint else endpoint

    def _no_server(self, path: Path) -> None:
        for where in ((*path, "endpoint"), (*path, "base_url")):
            for name in variables(str(at(self.document.data, where) or "")):
                text = f"refers to the environment variable {name}, which is empty; set it, "
                self.error(where, f"{text}or write ${{{name}:-default}}")
                return
        self.error(path, "names no server; write `endpoint` or `base_url`")

    def _check_server(self, path: Path, said: Mapping[str, Any], key: str) -> None:
        """Warn of what is not what it seems to be."""
        if key == "endpoint" and said.get("base_url"):
            text = "is not used: `endpoint` says where the server is; leave one out"
            self.warn((*path, "base_url"), text, key=True)
        parts = Parts.of(said[key].strip())
        if found := port_like_end(parts):
            host, port = found
            text = f"is an IPv6 address without a port; write [{host}]:{port}, or"
            self.warn((*path, key), f"{text} [{host}:{port}] if none is meant")
        protocol, scheme = said.get("protocol"), parts.scheme
        if protocol and scheme and scheme.lower() != f"{protocol.lower()}://":
            text = f"says {protocol}, and `{key}` begins with {scheme}, which wins; leave one out"
            self.warn((*path, "protocol"), text)

    def _resilience(self, read: ModelEntry) -> Resilience:
        own, resilience = self.settings.models.get(read.name), self.resilience(read)
        return merged(resilience, own.resilience) if own else resilience


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _name(item: object) -> str:
    name = mapping(item).get("name")
    return name.strip() if isinstance(name, str) else ""
