"""Know what dialects B and C have in common: listeners, and models that list their endpoints."""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

from xds.config.addresses import canonical
from xds.config.gateway import Endpoint, Gateway, Listener, Model, Resilience
from xds.config.places import at, mapping, sequence
from xds.config.problems import Path, unknown
from xds.config.providers_entries import MODELS, EntryReader, Said
from xds.config.providers_schema import KNOWN_OF_LISTENER, ListenerEntry, NestedConfig
from xds.config.reading import Reading
from xds.config.validation import validate

# Where LoRAs are listed, of which model, and their names, each with its place there.
Adapters = tuple[Path, str, tuple[tuple[int, str], ...]]


@dataclass
class ProvidersReader(EntryReader):
    """Reads what both dialects have in common."""

    # To which model the name of a model or LoRA leads, and the reverse.
    bases: dict[str, str] = field(default_factory=dict)
    adapters: dict[str, list[str]] = field(default_factory=dict)

    config: ClassVar[type[NestedConfig]]
    # Lists whose items are read one by one.
    sections: ClassVar[Collection[Path]]
    # As in a model, but for the rest of the file.
    names: ClassVar[Sequence[str]]
    elsewhere: ClassVar[Mapping[str, str]]
    known_of_config: ClassVar[Sequence[str]]
    known_of_providers: ClassVar[Sequence[str]]

    @abstractmethod
    def listed_loras(self, data: Mapping[str, Any], models: Sequence[Said]) -> list[Adapters]:
        """Return all LoRAs, where this dialect has them."""

    @abstractmethod
    def misplaced_loras(self, data: Mapping[str, Any], models: Sequence[Said]) -> Iterable[str]:
        """Return the LoRAs that stand where another form of the file has them."""

    @abstractmethod
    def default_path(self, data: Mapping[str, Any]) -> Path:
        """Return where the name of the default model stands, if it stands anywhere."""

    def check_file(self, data: Mapping[str, Any]) -> None:
        """Check what only one of the dialects has in the file."""

    def read(self) -> Reading:
        """Return what the document says."""
        data = self.filled((), self.document.data, self.sections)
        data = self.check_names((), data, self.names)
        self.check_form((), data, self.elsewhere)
        validate(self.document, self.config, data, (), self.problems)
        self.check_keys((), data, self.known_of_config)
        self.check_file(data)
        providers = mapping(data.get("providers"))
        self.check_keys(("providers",), providers, self.known_of_providers)
        listeners = self._listeners(sequence(data.get("listeners")))
        said = self.each(MODELS, sequence(providers.get("models")), self.said)
        self._check_names(data, said)
        self._check_endpoints(said)
        served = [one for one in said if one.servers and one.resilience is not None]
        models = tuple(
            self.once((*MODELS, one.name), self._model, one, tuple(self.adapters.get(one.name, ())))
            for one in served
        )
        gateway = self._gateway(data, listeners, models, _servers(served, models))
        if not any(one.pool for one in said) and not self.problems:
            self.error(MODELS, f"no model has an endpoint; give one of them `{self.backends}`")
        # What an unset variable makes wrong besides needs no telling.
        already = {problem.path for problem in self.unset}
        rest = (problem for problem in self.problems if problem.path not in already)
        return Reading(
            gateway,
            tuple(chain.from_iterable(one.pool for one in said)),
            tuple(one.name for one in said if one.name),
            self.known,
            (*self.unset, *rest),
            tuple(self.warnings),
            has_listeners=bool(data.get("listeners")),
        )

    def _listeners(self, items: Sequence[Any]) -> tuple[Listener, ...]:
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

    def _check_names(self, data: Mapping[str, Any], models: Sequence[Said]) -> None:
        """Remember which name leads to which model, and refuse names that stand twice."""
        names = [one.name for one in models if one.name]
        self.bases.update(zip(names, names, strict=True))
        listed = self.listed_loras(data, models)
        for _, base, its in listed:
            self.bases.setdefault(base, base)
            for _, lora in its:
                self.bases.setdefault(lora, base)
                self.adapters.setdefault(base, []).append(lora)
        # Of LoRAs that stand where another form has them, that is told alone.
        for lora in self.misplaced_loras(data, models):
            self.bases.setdefault(lora, lora)
        names += [lora for _, _, its in listed for _, lora in its]
        of_loras = (
            ((*path, "loras", index, "name"), lora)
            for path, _, its in listed
            for index, lora in its
        )
        self.check_all_unique(names, chain(places(models), of_loras), "a model or LoRA")

    def _check_endpoints(self, models: Sequence[Said]) -> None:
        """Refuse names of endpoints that stand twice, in one model or in two."""
        names = [name for one in models for name in one.endpoints]
        if len(set(names)) == len(names):
            return
        seen: set[str] = set()
        everywhere: dict[str, Path] = {}
        for index, one in enumerate(models):
            # Of a model that stands here twice, that is told alone.
            there = {} if one.name in seen or not one.name else everywhere
            seen.add(one.name)
            for number, name in enumerate(one.endpoints):
                path = (*MODELS, index, self.backends, number, "name")
                self.check_unique(there, name, path, "an endpoint")

    def _model(self, said: Said, adapters: tuple[str, ...]) -> Model:
        endpoints = tuple(endpoint for endpoint in said.pool.values() if endpoint)
        return Model(said.name, endpoints, adapters, said.resilience or Resilience())

    def _gateway(
        self,
        data: Mapping[str, Any],
        listeners: tuple[Listener, ...],
        models: tuple[Model, ...],
        servers: tuple[Endpoint, ...],
    ) -> Gateway:
        default = self._default(data, {model.name for model in models})
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


def _servers(said: Sequence[Said], models: Sequence[Model]) -> tuple[Endpoint, ...]:
    """Return each server once, though several models list it under names of their own."""
    servers = list(chain.from_iterable(one.servers for one in said))
    endpoints = chain.from_iterable(model.endpoints for model in models)
    if len(set(servers)) == len(servers):
        return tuple(endpoints)
    found: dict[Hashable, Endpoint] = {}
    for server, endpoint in zip(servers, endpoints, strict=True):
        known = found.setdefault(server, endpoint)
        if known.weight < endpoint.weight:
            found[server] = endpoint
    return tuple(found.values())


def places(models: Sequence[Said]) -> Iterator[tuple[Path, str]]:
    """Return where the name of each model stands."""
    for index, one in enumerate(models):
        if one.name:
            yield (*MODELS, index, "name"), one.name
