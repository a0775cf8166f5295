"""Know dialect A: `vllm_endpoints` and `model_config`, as the router read it up to v0.2.

https://vllm-semantic-router.com/docs/installation/configuration
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from xds.config.addresses import canonical, faults
from xds.config.document import Document
from xds.config.fields import NAME_PATTERN
from xds.config.flat_schema import (
    ELSEWHERE,
    FIELDS_OF_ENDPOINT,
    KNOWN,
    KNOWN_OF_ENDPOINT,
    KNOWN_OF_MODEL,
    KNOWN_OF_PROFILE,
    LEFT_OVERS,
    NAMED,
    NAMES,
    FlatConfig,
    FlatEndpoint,
    FlatModel,
    FlatProfile,
    ProfiledEndpoint,
)
from xds.config.gateway import Endpoint, Gateway, Listener, Model
from xds.config.places import standing
from xds.config.problems import Path, unknown
from xds.config.reading import Entries, Reader, Reading, mapping
from xds.config.settings import Settings
from xds.config.upstreams import Upstream, api_path, path_faults, upstream, upstream_faults
from xds.config.validation import validate

_Endpoints = Mapping[str, Endpoint | None]
_Profiles = Mapping[str, Upstream | None]


def read(document: Document, settings: Settings, last: Entries) -> Reading:
    """Return what a document of dialect A says."""
    return _Reader(document, settings, last).read()


class _Reader(Reader):
    def read(self) -> Reading:
        data = self.check_names(self.document.data, NAMES, NAMED)
        self.document = replace(self.document, data=data)
        self.check_form(data, ELSEWHERE)
        validate(self.document, FlatConfig, data, (), self.problems)
        self.check_keys((), data, KNOWN)
        profiles = self._profiles(data)
        endpoints = self._endpoints(data.get("vllm_endpoints"), profiles)
        entries = data.get("model_config")
        entries = entries if isinstance(entries, dict) else {}
        self._check_models_of_endpoints(entries)
        models = self._models(entries, endpoints)
        default = self._default(data.get("default_model"), entries)
        served = tuple(endpoint for endpoint in endpoints.values() if endpoint)
        if default is None and len(served) == len(endpoints):
            self.check_gateway_pool(("vllm_endpoints",), served)
        listener = self.settings.listener
        gateway = Gateway(
            listeners=(Listener("http", listener.address, listener.port),),
            endpoints=served,
            models=models,
            default_model=default,
            routing=self.settings.routing,
            resilience=self.settings.resilience,
            upstream_tls=self.settings.upstream_tls,
            router=self.settings.router,
        )
        return Reading(
            gateway,
            tuple(endpoints),
            tuple(entries),
            self.entries,
            tuple(self.problems),
            tuple(self.warnings),
        )

    def _profiles(self, data: Mapping[str, Any]) -> dict[str, Upstream | None]:
        """Return the servers of the provider profiles; None stands for one with a mistake in it."""
        found: dict[str, Upstream | None] = {}
        wanted = standing(data, "vllm_endpoints.*.provider_profile")
        used = {name for _, name in wanted if isinstance(name, str)}
        items = data.get("provider_profiles")
        for name, item in (items if isinstance(items, dict) else {}).items():
            path: Path = ("provider_profiles", name)
            if isinstance(item, dict):
                self.check_keys(path, item, KNOWN_OF_PROFILE)
            read = validate(self.document, FlatProfile, item, path, self.problems)
            found[name] = self._server(path, read.base_url, is_used=name in used) if read else None
        return found

    def _server(self, path: Path, url: str | None, *, is_used: bool) -> Upstream | None:
        where = (*path, "base_url")
        if not url and not is_used:
            return None
        if url is None:
            self.error(where, "is missing; write a URL, such as https://api.example.com/v1")
            return None
        wrong = upstream_faults(url, url=True)
        for fault in wrong:
            self.error(where, fault)
        return None if wrong else upstream(url)

    def _endpoints(self, items: object, profiles: _Profiles) -> dict[str, Endpoint | None]:
        """Return the endpoints by name; None stands for one with a mistake in it."""
        found: dict[str, Endpoint | None] = {}
        places: dict[str, Path] = {}
        for index, item in enumerate(items if isinstance(items, list) else []):
            path: Path = ("vllm_endpoints", index)
            said = mapping(item)
            profile = said.get("provider_profile")
            server = profiles.get(profile) if isinstance(profile, str) else None
            read = partial(self._endpoint, path, item, profiles)
            endpoint = self.once(item, FIELDS_OF_ENDPOINT, server, read)
            name = said.get("name")
            if isinstance(name, str) and name:
                found.setdefault(name, endpoint)
                self.check_unique(places, name, (*path, "name"), "an endpoint")
        return found

    def _endpoint(self, path: Path, item: object, profiles: _Profiles) -> Endpoint | None:
        faultless = len(self.problems)
        if isinstance(item, dict):
            self.check_keys(path, item, KNOWN_OF_ENDPOINT)
            self._check_left_overs(path, item)
            if item.get("provider_profile"):
                return self._profiled(path, item, profiles)
            self._check_address(path, item)
        read = validate(self.document, FlatEndpoint, item, path, self.problems)
        for fault in path_faults(read.path) if read else ():
            self.error((*path, "path"), fault)
        if read is None or len(self.problems) > faultless:
            return None
        address, tls = canonical(read.address.strip()), read.protocol == "https"
        server = Upstream(address, read.port, tls, api_path(read.path))
        return self.endpoint(read.name, server, read.weight)

    def _profiled(
        self, path: Path, item: Mapping[str, object], profiles: _Profiles
    ) -> Endpoint | None:
        """Return an endpoint that a provider profile places."""
        for key in ("address", "port"):
            if item.get(key):
                text = "is not used: `provider_profile` says where the endpoint is; leave it out"
                self.warn((*path, key), text, key=True)
        read = validate(self.document, ProfiledEndpoint, item, path, self.problems)
        if read is None:
            return None
        profile = read.provider_profile
        if profile not in profiles:
            where = (*path, "provider_profile")
            self.error(where, unknown("provider profile", profile, profiles))
        server = profiles.get(profile)
        return self.endpoint(read.name, server, read.weight) if server else None

    def _models(self, entries: Mapping[str, Any], endpoints: _Endpoints) -> tuple[Model, ...]:
        models: list[Model] = []
        places: dict[str, Path] = {name: ("model_config", name) for name in entries}
        for name, item in entries.items():
            path: Path = ("model_config", name)
            if not re.match(NAME_PATTERN, name):
                text = "is no name; write one, without control characters"
                self.error(path, text, key=True)
            # `"qwen3":` with nothing behind it is a model with nothing to say.
            entry = {} if item is None else item
            if isinstance(entry, dict):
                self.check_keys(path, entry, KNOWN_OF_MODEL)
                self._check_preferred(path, entry, endpoints)
            read = validate(self.document, FlatModel, entry, path, self.problems)
            if read is not None:
                models.append(self._model(name, read, endpoints))
            for index, lora in _loras(entry):
                where = (*path, "loras", index, "name")
                self.check_unique(places, lora, where, "a model or LoRA")
        return tuple(models)

    def _model(self, name: str, read: FlatModel, endpoints: _Endpoints) -> Model:
        wanted = read.preferred_endpoints or self._made_for.get(name) or endpoints
        pool = [endpoints.get(endpoint) for endpoint in wanted]
        served = tuple(endpoint for endpoint in pool if endpoint)
        if len(served) == len(pool):
            path: Path = ("model_config", name)
            where = (*path, "preferred_endpoints") if read.preferred_endpoints else path
            self.check_model_pool(where, name, served)
        loras = tuple(lora.name for lora in read.loras)
        return Model(name, served, loras, self.settings.resilience_of(name))

    @cached_property
    def _made_for(self) -> Mapping[str, list[str]]:
        """Endpoints by the model that they name, as `vllm-sr` v0.2 wrote them for the router."""
        found: dict[str, list[str]] = {}
        items = self.document.data.get("vllm_endpoints")
        for item in items if isinstance(items, list) else []:
            model = item.get("model") if isinstance(item, dict) else None
            if isinstance(model, str) and isinstance(item.get("name"), str):
                found.setdefault(model, []).append(item["name"])
        return found

    def _default(self, wanted: object, entries: Mapping[str, Any]) -> str | None:
        """Return the model that takes requests without a model; a LoRA stands for its base."""
        if not isinstance(wanted, str) or not wanted:
            return None
        base = {lora: name for name, entry in entries.items() for _, lora in _loras(entry)}
        base |= {name: name for name in entries}
        if wanted not in base:
            self.error(("default_model",), unknown("model", wanted, base))
        return base.get(wanted)

    def _check_preferred(self, path: Path, entry: Mapping[str, Any], endpoints: _Endpoints) -> None:
        preferred = entry.get("preferred_endpoints")
        seen: set[str] = set()
        for index, wanted in enumerate(preferred if isinstance(preferred, list) else []):
            where = (*path, "preferred_endpoints", index)
            if not isinstance(wanted, str) or not wanted:
                continue
            if wanted not in endpoints:
                self.error(where, unknown("endpoint", wanted, endpoints))
            elif wanted in seen:
                self.error(where, f'"{wanted}" stands here twice; keep it once')
            seen.add(wanted)

    def _check_models_of_endpoints(self, entries: Mapping[str, Any]) -> None:
        """Warn of models that endpoints were made for and that are none."""
        for path, name in standing(self.document.data, "vllm_endpoints.*.model"):
            if entries and isinstance(name, str) and name and name not in entries:
                self.warn(path, unknown("model", name, entries))

    def _check_left_overs(self, path: Path, item: Mapping[str, object]) -> None:
        for key in LEFT_OVERS.keys() & item.keys():
            self.warn((*path, key), LEFT_OVERS[key], key=True)

    def _check_address(self, path: Path, item: Mapping[str, object]) -> None:
        address = item.get("address")
        if isinstance(address, str):
            allow = self.settings.allow_domain_names
            name = item.get("name")
            who = f'endpoint "{name}": ' if isinstance(name, str) else ""
            for fault in faults(address, allow_domain_names=allow):
                self.error((*path, "address"), f"{who}{fault}")


def _loras(entry: object) -> list[tuple[int, str]]:
    """Return the LoRA names of a model that was not validated, each with its place."""
    loras = entry.get("loras") if isinstance(entry, dict) else None
    return [
        (index, lora["name"])
        for index, lora in enumerate(loras if isinstance(loras, list) else [])
        if isinstance(lora, dict) and isinstance(lora.get("name"), str)
    ]
