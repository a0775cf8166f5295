"""Know what dialects B and C have in common: listeners, and models that list their endpoints."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, TypeGuard

from xds.config.addresses import Parts, canonical
from xds.config.environment import filled, variables
from xds.config.gateway import Endpoint, Gateway, Listener, Model, Resilience
from xds.config.places import at, standing
from xds.config.problems import Path, Problem, unknown
from xds.config.providers_schema import (
    KNOWN_OF_LISTENER,
    READ,
    BackendRef,
    ListenerEntry,
    ModelEntry,
    NestedConfig,
)
from xds.config.reading import Reader, Reading, mapping
from xds.config.settings import merged
from xds.config.upstreams import Upstream, port_like_end, upstream, upstream_faults
from xds.config.validation import is_secret, validate

MODELS: Path = ("providers", "models")


@dataclass
class ProvidersReader(Reader, ABC):
    """Reads what both dialects have in common; `environment` is what references refer to."""

    environment: Mapping[str, str] = field(default_factory=dict)
    # Where each name of a model or LoRA stands first, to which model it leads, and the reverse.
    places: dict[str, Path] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    adapters: dict[str, list[str]] = field(default_factory=dict)
    # Where each endpoint stands, by the name that the router gives it.
    endpoints: dict[str, Path] = field(default_factory=dict)

    config: ClassVar[type[NestedConfig]]
    model: ClassVar[type[ModelEntry]]
    backend: ClassVar[type[BackendRef]]
    # The key under which a model lists its endpoints, and that of the other dialect.
    backends: ClassVar[str]
    others: ClassVar[tuple[str, str]]
    # Where names stand, and where other forms of the file have what this one has elsewhere.
    names: ClassVar[Sequence[str]]
    elsewhere: ClassVar[Mapping[str, str]]
    known: ClassVar[Sequence[str]]
    known_of_providers: ClassVar[Sequence[str]]
    known_of_model: ClassVar[Sequence[str]]
    known_of_backend: ClassVar[Sequence[str]]

    @abstractmethod
    def loras(self, data: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
        """Return each LoRA: where its name stands, that name, and its base model's."""

    @abstractmethod
    def default_path(self, data: Mapping[str, Any]) -> Path:
        """Return where the name of the default model stands, if it stands anywhere."""

    def resilience(self, model: ModelEntry) -> Resilience:  # noqa: ARG002  where C asks
        """Return how a model is treated before the settings have their say on it."""
        return self.settings.resilience

    def check_model(self, path: Path, item: Mapping[str, Any]) -> None:
        """Check what only one of the dialects has in a model."""

    def read(self) -> Reading:
        """Return what the document says."""
        data, missing = filled(self.document.data, self.environment, READ)
        unset = [self._unset(path, name) for path, name in missing.items()]
        data = self.check_names(data, self.names)
        self.check_form(data, self.elsewhere)
        validate(self.document, self.config, data, (), self.problems)
        self.check_keys((), data, self.known)
        providers = mapping(data.get("providers"))
        self.check_keys(("providers",), providers, self.known_of_providers)
        listeners = self._listeners(_list(data.get("listeners")))
        items = _list(providers.get("models"))
        names = self._names(data, items)
        pools = [self._pool((*MODELS, index), item) for index, item in enumerate(items)]
        models = [
            self._model((*MODELS, index), item, pool)
            for index, (item, pool) in enumerate(zip(items, pools, strict=True))
        ]
        served = tuple(model for model in models if model and model.endpoints)
        gateway = self._gateway(data, listeners, served)
        if not any(pools) and not self.problems:
            self.error(MODELS, f"no model has an endpoint; give one of them `{self.backends}`")
        # What an unset variable makes wrong besides needs no telling.
        already = {problem.path for problem in unset}
        rest = (problem for problem in self.problems if problem.path not in already)
        endpoints = tuple(name for pool in pools for name in pool)
        problems, warnings = (*unset, *rest), tuple(self.warnings)
        listens = bool(data.get("listeners"))
        return Reading(gateway, endpoints, names, self.entries, problems, warnings, listens)

    def _unset(self, path: Path, name: str) -> Problem:
        said = str(at(self.document.data, path))
        if is_secret(path) or "@" in said:
            # What seems to be the name of a variable may be a part of the key.
            text = "refers to an environment variable that is not set; set it, "
            return self.document.problem(path, f"{text}or write `$$` for a dollar")
        text = f"refers to the environment variable {name}, which is not set; set it, "
        return self.document.problem(path, f"{text}or write ${{{name}:-default}}")

    def _listeners(self, items: list[Any]) -> tuple[Listener, ...]:
        found: list[Listener] = []
        names: dict[str, Path] = {}
        addresses: dict[str, Path] = {}
        for index, item in enumerate(items):
            path: Path = ("listeners", index)
            self.check_keys(path, mapping(item), KNOWN_OF_LISTENER)
            read = validate(self.document, ListenerEntry, item, path, self.problems)
            if read is None:
                continue
            keys = tuple(read.api_keys)
            self.check_unique(names, read.name, (*path, "name"), "a listener")
            self._check_free(addresses, read, (*path, "port"))
            for number in (n for n, key in enumerate(keys) if key in keys[:n]):
                text = "is a key that stands here already; keep it once"
                self.error((*path, "api_keys", number), text)
            found.append(Listener(read.name, read.address, read.port, read.timeout, keys))
        own = self.settings.listener
        return tuple(found) or (Listener("http", own.address, own.port),)

    def _check_free(self, places: dict[str, Path], read: ListenerEntry, path: Path) -> None:
        first = places.setdefault(f"{canonical(read.address)} {read.port}", path)
        if first != path:
            line = self.document.line(first)
            text = f"another listener has this address and port, in {line}; choose another"
            self.error(path, text)

    def _names(self, data: Mapping[str, Any], items: list[Any]) -> tuple[str, ...]:
        """Return the models' names, and remember which name leads to which model."""
        names: list[str] = []
        for index, item in enumerate(items):
            if name := _name(item):
                names.append(name)
                self.bases[name] = name
                path = (*MODELS, index, "name")
                self.check_unique(self.places, name, path, "a model or LoRA")
        for path, lora, base in self.loras(data):
            self.bases.setdefault(lora, base)
            self.adapters.setdefault(base, []).append(lora)
            self.check_unique(self.places, lora, path, "a model or LoRA")
        # Of LoRAs that stand where another form has them, that is told alone.
        for place in (place for place in self.elsewhere if place.endswith(".loras")):
            for _, lora in standing(data, f"{place}.*.name"):
                self.bases.setdefault(str(lora), str(lora))
        return tuple(names)

    def _pool(self, path: Path, item: object) -> dict[str, Endpoint | None]:
        """Return a model's endpoints by name; None stands for one with a mistake in it."""
        found: dict[str, Endpoint | None] = {}
        model = mapping(item)
        # Of a model that stands here twice, that is told alone.
        first = self.places.get(_name(model)) == (*path, "name")
        places = self.endpoints if first else {}
        for index, backend in enumerate(_list(model.get(self.backends))):
            where = (*path, self.backends, index)
            own = _name(backend) or (f"backend-{index + 1}" if index else "primary")
            name = f"{_name(model)}_{own}"
            read = partial(self._backend, where, backend, name)
            endpoint = self.once(backend, self.backend.model_fields, name, read)
            self.check_unique(places, name, (*where, "name"), "an endpoint")
            found.setdefault(name, endpoint)
        return found

    def _backend(self, path: Path, item: object, name: str) -> Endpoint | None:
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
            return None
        self._check_server(path, said, key)
        return self.endpoint(name, upstream(said[key], tls=read.protocol == "https"), read.weight)

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

    def _model(self, path: Path, item: object, pool: Mapping[str, Endpoint | None]) -> Model | None:
        if isinstance(item, dict):
            self.check_keys(path, item, self.known_of_model)
            self.check_model(path, item)
            key, version = self.others
            if key in item:
                text = f"belongs to `version: {version}`; write `{self.backends}`, or that version"
                self.error((*path, key), text, key=True)
        read = validate(self.document, self.model, item, path, self.problems)
        if read is None:
            return None
        endpoints = tuple(endpoint for endpoint in pool.values() if endpoint)
        if len(endpoints) == len(pool):
            self.check_model_pool((*path, self.backends), read.name, endpoints)
        own = self.settings.models.get(read.name)
        resilience = self.resilience(read)
        return Model(
            read.name,
            endpoints,
            tuple(self.adapters.get(read.name, ())),
            merged(resilience, own.resilience) if own else resilience,
        )

    def _gateway(
        self, data: Mapping[str, Any], listeners: tuple[Listener, ...], models: tuple[Model, ...]
    ) -> Gateway:
        default = self._default(data, {model.name for model in models})
        servers = tuple(_servers(models))
        if default is None and not self.problems:
            self.check_gateway_pool(MODELS, servers)
        return Gateway(
            listeners=listeners,
            endpoints=servers,
            models=models,
            default_model=default,
            routing=self.settings.routing,
            resilience=self.settings.resilience,
            upstream_tls=self.settings.upstream_tls,
            router=self.settings.router,
        )

    def _default(self, data: Mapping[str, Any], served: set[str]) -> str | None:
        """Return the model that takes requests without a model; a LoRA stands for its base."""
        path = self.default_path(data)
        wanted = at(data, path)
        if not isinstance(wanted, str) or not wanted.strip():
            return None
        base = self.bases.get(wanted)
        if base is None:
            self.error(path, unknown("model", wanted, self.bases))
        elif base not in served and not self.problems:
            text = f'"{base}" has no endpoint, so all endpoints take the requests without a model'
            self.warn(path, f"{text}; name a model with `{self.backends}`")
        return base if base in served else None


def _servers(models: Sequence[Model]) -> Iterator[Endpoint]:
    """Return each server once, though several models list it under names of their own."""
    found: dict[Upstream, Endpoint] = {}
    for endpoint in (endpoint for model in models for endpoint in model.endpoints):
        server = Upstream(endpoint.address, endpoint.port, endpoint.tls, endpoint.path)
        known = found.setdefault(server, endpoint)
        if known.weight < endpoint.weight:
            found[server] = endpoint
    yield from found.values()


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(item: object) -> str:
    name = mapping(item).get("name")
    return name.strip() if isinstance(name, str) else ""
