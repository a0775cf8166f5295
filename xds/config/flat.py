"""Know dialect A: `vllm_endpoints` and `model_config`, as the router read it up to v0.2.

https://vllm-semantic-router.com/docs/installation/configuration
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xds.config.addresses import canonical, faults
from xds.config.document import Document, kind
from xds.config.flat_schema import (
    KNOWN,
    KNOWN_OF_ENDPOINT,
    KNOWN_OF_MODEL,
    FlatConfig,
    FlatEndpoint,
    FlatModel,
)
from xds.config.gateway import (
    MAX_WEIGHT,
    NAME_PATTERN,
    Endpoint,
    Gateway,
    Listener,
    Model,
)
from xds.config.problems import Path, Problem, nearest, unknown
from xds.config.reading import Reading
from xds.config.settings import EndpointSettings, Settings
from xds.config.validation import unknown_key, validate

_Endpoints = Mapping[str, Endpoint | None]

# The router ignores what it does not know, and so do we, but not what is nearly a known key.
_NEARLY: Final = 0.75


def read(document: Document, settings: Settings) -> Reading:
    """Return what a document of dialect A says."""
    return _Reader(document, settings).read()


@dataclass
class _Reader:
    """Reads as much as can be read, and gathers what is wrong with the rest."""

    document: Document
    settings: Settings
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Reading:
        data = self.document.data
        validate(self.document, FlatConfig, data, (), self.problems)
        self._check_keys((), data, KNOWN)
        endpoints = self._endpoints(data.get("vllm_endpoints"))
        entries = data.get("model_config")
        entries = entries if isinstance(entries, dict) else {}
        models = self._models(entries, endpoints)
        default = self._default(data.get("default_model"), entries)
        served = tuple(endpoint for endpoint in endpoints.values() if endpoint)
        if default is None and len(served) == len(endpoints):
            self._check_pool(("vllm_endpoints",), "the gateway", served)
        listener = self.settings.listener
        gateway = Gateway(
            listeners=(Listener("http", listener.address, listener.port),),
            endpoints=served,
            models=models,
            default_model=default,
            routing=self.settings.routing,
            resilience=self.settings.resilience,
        )
        return Reading(gateway, tuple(endpoints), tuple(entries), tuple(self.problems))

    def _endpoints(self, items: object) -> dict[str, Endpoint | None]:
        """Return the endpoints by name; None stands for one with a mistake in it."""
        found: dict[str, Endpoint | None] = {}
        places: dict[str, Path] = {}
        for index, item in enumerate(items if isinstance(items, list) else []):
            path: Path = ("vllm_endpoints", index)
            endpoint = self._endpoint(path, item)
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and name:
                found.setdefault(name, endpoint)
                self._check_unique(places, name, (*path, "name"), "an endpoint")
        return found

    def _endpoint(self, path: Path, item: object) -> Endpoint | None:
        faultless = len(self.problems)
        if isinstance(item, dict):
            self._check_keys(path, item, KNOWN_OF_ENDPOINT)
            self._check_served(path, item)
            self._check_address(path, item)
            if item.get("provider_profile"):
                return None
        read = validate(self.document, FlatEndpoint, item, path, self.problems)
        if read is None or len(self.problems) > faultless:
            return None
        own = self.settings.endpoints.get(read.name, EndpointSettings())
        return Endpoint(
            name=read.name,
            address=canonical(read.address.strip()),
            port=read.port,
            weight=read.weight,
            priority=own.priority,
            zone=own.zone,
        )

    def _models(self, entries: Mapping[str, Any], endpoints: _Endpoints) -> tuple[Model, ...]:
        models: list[Model] = []
        places: dict[str, Path] = {name: ("model_config", name) for name in entries}
        for name, item in entries.items():
            path: Path = ("model_config", name)
            if not re.match(NAME_PATTERN, name):
                text = "is no name; write one, without control characters"
                self._add(path, text, key=True)
            # `"qwen3":` with nothing behind it is a model with nothing to say.
            entry = {} if item is None else item
            if isinstance(entry, dict):
                self._check_keys(path, entry, KNOWN_OF_MODEL)
                self._check_preferred(path, entry, endpoints)
            read = validate(self.document, FlatModel, entry, path, self.problems)
            if read is not None:
                models.append(self._model(name, read, endpoints))
            for index, lora in _loras(entry):
                where = (*path, "loras", index, "name")
                self._check_unique(places, lora, where, "a model or LoRA")
        return tuple(models)

    def _model(self, name: str, read: FlatModel, endpoints: _Endpoints) -> Model:
        pool = [endpoints.get(wanted) for wanted in read.preferred_endpoints or endpoints]
        served = tuple(endpoint for endpoint in pool if endpoint)
        if len(served) == len(pool):
            path: Path = ("model_config", name)
            where = (*path, "preferred_endpoints") if read.preferred_endpoints else path
            self._check_pool(where, f'model "{name}"', served)
        loras = tuple(lora.name for lora in read.loras)
        return Model(name, served, loras, self.settings.resilience_of(name))

    def _default(self, wanted: object, entries: Mapping[str, Any]) -> str | None:
        """Return the model that takes requests without a model; a LoRA stands for its base."""
        if not isinstance(wanted, str) or not wanted:
            return None
        base = {lora: name for name, entry in entries.items() for _, lora in _loras(entry)}
        base |= {name: name for name in entries}
        if wanted not in base:
            self._add(("default_model",), unknown("model", wanted, base))
        return base.get(wanted)

    def _check_preferred(self, path: Path, entry: Mapping[str, Any], endpoints: _Endpoints) -> None:
        preferred = entry.get("preferred_endpoints")
        seen: set[str] = set()
        for index, wanted in enumerate(preferred if isinstance(preferred, list) else []):
            where = (*path, "preferred_endpoints", index)
            if not isinstance(wanted, str) or not wanted:
                continue
            if wanted not in endpoints:
                self._add(where, unknown("endpoint", wanted, endpoints))
            elif wanted in seen:
                self._add(where, f'"{wanted}" stands here twice; keep it once')
            seen.add(wanted)

    def _check_keys(self, path: Path, item: Mapping[str, object], known: Sequence[str]) -> None:
        for key in item:
            if key not in known and nearest(key, known, cutoff=_NEARLY):
                self._add((*path, key), unknown_key(key, known), key=True)

    def _check_unique(self, places: dict[str, Path], name: str, path: Path, what: str) -> None:
        first = places.setdefault(name, path)
        if first != path:
            line = self.document.problem(first, "").line
            text = f'there is already {what} named "{name}", in line {line}; rename one of the two'
            self._add(path, text)

    def _check_served(self, path: Path, item: Mapping[str, object]) -> None:
        text = "asks for an https upstream, which is not served yet; take the endpoint out"
        if item.get("provider_profile"):
            self._add((*path, "provider_profile"), text)
        protocol = str(item.get("protocol") or "http").lower()
        if protocol == "https":
            self._add((*path, "protocol"), text)
        elif protocol != "http":
            self._add((*path, "protocol"), f"is {kind(item['protocol'])}; write http")

    def _check_address(self, path: Path, item: Mapping[str, object]) -> None:
        address = item.get("address")
        if isinstance(address, str) and not item.get("provider_profile"):
            allow = self.settings.allow_domain_names
            name = item.get("name")
            who = f'endpoint "{name}": ' if isinstance(name, str) else ""
            for fault in faults(address, allow_domain_names=allow):
                self._add((*path, "address"), f"{who}{fault}")

    def _check_pool(self, path: Path, who: str, endpoints: Sequence[Endpoint]) -> None:
        total = sum(endpoint.weight for endpoint in endpoints)
        if endpoints and total == 0:
            text = f"all endpoints of {who} are drained; give one of them a weight of 1 or more"
            self._add(path, text)
        if total > MAX_WEIGHT:
            text = f"the weights of {who} add up to {total}; make that at most {MAX_WEIGHT}"
            self._add(path, text)

    def _add(self, path: Path, text: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, text, key=key))


def _loras(entry: object) -> list[tuple[int, str]]:
    """Return the LoRA names of a model that was not validated, each with its place."""
    loras = entry.get("loras") if isinstance(entry, dict) else None
    return [
        (index, lora["name"])
        for index, lora in enumerate(loras if isinstance(loras, list) else [])
        if isinstance(lora, dict) and isinstance(lora.get("name"), str)
    ]
