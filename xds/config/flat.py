"""Know dialect A: `vllm_endpoints` and `model_config`, as the router read it up to v0.2.

https://vllm-semantic-router.com/docs/installation/configuration
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from xds.config.document import Document
from xds.config.fields import NAME_PATTERN
from xds.config.flat_entries import EndpointEntry, EntryReader, ModelEntry
from xds.config.flat_schema import (
    ELSEWHERE,
    KNOWN,
    NAMED,
    NAMES,
    FlatConfig,
    ProfiledEndpoint,
)
from xds.config.gateway import Endpoint, Gateway, Listener, Model
from xds.config.places import mapping, sequence
from xds.config.problems import Path, unknown
from xds.config.reading import Known, Reading
from xds.config.settings import Settings
from xds.config.upstreams import Upstream, upstream_faults
from xds.config.validation import validate

_ENDPOINTS: Path = ("vllm_endpoints",)
_MODELS: Path = ("model_config",)
_PROFILES: Path = ("provider_profiles",)

_IS_NAME: Final = re.compile(NAME_PATTERN).match

_Endpoints = Mapping[str, Endpoint | None]
_Profiles = Mapping[str, Upstream | None]


def read(
    document: Document,
    settings: Settings,
    last: Known,
    _environment: Mapping[str, str],
) -> Reading:
    """Return what a document of dialect A says."""
    return _Reader(document, settings, last).read()


class _Reader(EntryReader):
    def read(self) -> Reading:
        data = self.check_names((), self.document.data, NAMES, NAMED)
        self.check_form((), data, ELSEWHERE)
        validate(self.document, FlatConfig, data, (), self.problems)
        self.check_keys((), data, KNOWN)
        entries = self.each(_ENDPOINTS, sequence(data.get("vllm_endpoints")), self.endpoint_entry)
        items = mapping(self.document.data.get("model_config"))
        said = self.each(_MODELS, list(items.values()), self.model_entry, tuple(items))
        models = {name.strip() or name: one for name, one in zip(items, said, strict=True)}
        self._written = {name.strip() or name: name for name in items}
        used = {entry.profile for entry in entries}
        profiles = self._profiles(mapping(data.get("provider_profiles")), used)
        endpoints = self._endpoints(entries, profiles)
        self._check_models_of_endpoints(entries, models)
        self._check_names(models)
        served = tuple(filter(None, endpoints.values()))
        default = self._default(data.get("default_model"), models)
        if default is None and len(served) == len(endpoints):
            self.check_gateway_pool(_ENDPOINTS, served)
        listener = self.settings.listener
        gateway = Gateway(
            listeners=(Listener("http", listener.address, listener.port),),
            endpoints=served,
            models=self._models(models, endpoints, entries),
            default_model=default,
            routing=self.settings.routing,
            resilience=self.settings.resilience,
            upstream_tls=self.settings.upstream_tls,
            router=self.settings.router,
        )
        return Reading(
            gateway,
            tuple(endpoints),
            tuple(models),
            self.known,
            tuple(self.problems),
            tuple(self.warnings),
        )

    def _profiles(
        self, entries: Mapping[str, Any], used: Collection[str]
    ) -> dict[str, Upstream | None]:
        """Return the servers of the provider profiles; None stands for one with a mistake in it."""
        names = tuple(entries)
        said = self.each(_PROFILES, list(entries.values()), self.profile_entry, names)
        for name, entry in zip(names, said, strict=True):
            # One that nobody uses need not say where it is.
            if entry and not entry.url and name in used:
                missing = "is missing; write a URL, such as https://api.example.com/v1"
                found = [missing] if entry.url is None else upstream_faults(entry.url, url=True)
                for fault in found:
                    self.error((*_PROFILES, name, "base_url"), fault)
        servers = (entry.server if entry else None for entry in said)
        return dict(zip(names, servers, strict=True))

    def _endpoints(
        self, entries: Sequence[EndpointEntry], profiles: _Profiles
    ) -> dict[str, Endpoint | None]:
        """Return the endpoints by name; None stands for one with a mistake in it."""
        found: dict[str, Endpoint | None] = {}
        for index, entry in enumerate(entries):
            endpoint = entry.endpoint
            if entry.profiled is not None:
                endpoint = self._placed((*_ENDPOINTS, index), entry.profiled, profiles)
            if entry.name:
                found.setdefault(entry.name, endpoint)
        names = [entry.name for entry in entries if entry.name]
        named = (
            ((*_ENDPOINTS, index, "name"), entry.name)
            for index, entry in enumerate(entries)
            if entry.name
        )
        self.check_all_unique(names, named, "an endpoint")
        return found

    def _placed(self, path: Path, read: ProfiledEndpoint, profiles: _Profiles) -> Endpoint | None:
        """Return an endpoint that a provider profile places."""
        profile = read.provider_profile
        if profile not in profiles:
            where = (*path, "provider_profile")
            self.error(where, unknown("provider profile", profile, profiles))
        server = profiles.get(profile)
        if server is None:
            return None
        return self.once((*_ENDPOINTS, read.name), self.endpoint, read.name, server, read.weight)

    def _check_models_of_endpoints(
        self, entries: Sequence[EndpointEntry], models: Mapping[str, ModelEntry]
    ) -> None:
        """Warn of models that endpoints were made for and that are none."""
        if not models or {entry.model for entry in entries} <= {"", *models}:
            return
        for index, entry in enumerate(entries):
            if entry.model and entry.model not in models:
                path = (*_ENDPOINTS, index, "model")
                self.warn(path, unknown("model", entry.model, models))

    def _check_names(self, models: Mapping[str, ModelEntry]) -> None:
        for name in models:
            if not _IS_NAME(name):
                text = "is no name; write one, without control characters"
                self.error(self._place(name), text, key=True)
        names = [*models, *(lora for entry in models.values() for _, lora in entry.loras)]
        of_models = ((self._place(name), name) for name in models)
        of_loras = (
            ((*self._place(name), "loras", index, "name"), lora)
            for name, entry in models.items()
            for index, lora in entry.loras
        )
        self.check_all_unique(names, chain(of_models, of_loras), "a model or LoRA")

    def _models(
        self,
        models: Mapping[str, ModelEntry],
        endpoints: _Endpoints,
        entries: Sequence[EndpointEntry],
    ) -> tuple[Model, ...]:
        # Endpoints by the model that they name, as `vllm-sr` v0.2 wrote them for the router.
        made_for: dict[str, list[Endpoint | None]] = {}
        if not all(entry.preferred for entry in models.values()):
            for entry in entries:
                if entry.model:
                    made_for.setdefault(entry.model, []).append(endpoints.get(entry.name))
        everywhere = tuple(endpoints.values())
        found: list[Model] = []
        for name, said in models.items():
            if said.preferred:
                pool = tuple(map(endpoints.get, said.preferred))
                if not all(pool) or len(set(said.preferred)) < len(pool):
                    self._check_preferred(self._place(name), said.preferred, endpoints)
            else:
                pool = tuple(made_for.get(name, ())) or everywhere
            if said.is_right:
                found.append(self.once((*_MODELS, name), self._model, name, said, pool))
        return tuple(found)

    def _place(self, name: str) -> Path:
        """Return where a model stands, which may be with spaces around its name."""
        return (*_MODELS, self._written[name])

    def _check_preferred(self, path: Path, preferred: Sequence[str], endpoints: _Endpoints) -> None:
        seen: set[str] = set()
        for index, wanted in enumerate(preferred):
            where = (*path, "preferred_endpoints", index)
            if not wanted:
                continue
            if wanted not in endpoints:
                self.error(where, unknown("endpoint", wanted, endpoints))
            elif wanted in seen:
                self.error(where, f'"{wanted}" stands here twice; keep it once')
            seen.add(wanted)

    def _model(self, name: str, said: ModelEntry, pool: tuple[Endpoint | None, ...]) -> Model:
        served = tuple(endpoint for endpoint in pool if endpoint)
        if len(served) == len(pool):
            path = self._place(name)
            where = (*path, "preferred_endpoints") if said.preferred else path
            self.check_model_pool(where, name, served)
        loras = tuple(lora for _, lora in said.loras)
        return Model(name, served, loras, self.settings.resilience_of(name))

    def _default(self, wanted: object, models: Mapping[str, ModelEntry]) -> str | None:
        """Return the model that takes requests without a model; a LoRA stands for its base."""
        if not isinstance(wanted, str) or not wanted:
            return None
        if wanted in models:
            return wanted
        base = {lora: name for name, entry in models.items() for _, lora in entry.loras}
        if wanted not in base:
            self.error(("default_model",), unknown("model", wanted, {**base, **models}))
        return base.get(wanted)
