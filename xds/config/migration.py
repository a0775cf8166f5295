"""Know how a file of dialect A or B is written in dialect C, which today's routers read.

https://vllm-semantic-router.com/docs/installation/configuration
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xds.config import canonical
from xds.config.document import Document
from xds.config.gateway import Endpoint, Gateway
from xds.config.keys import NOTHING, Keys, escaped
from xds.config.load import Source, load, parse
from xds.config.problems import ConfigError, Path, Problem, spell
from xds.config.providers_entries import MODELS
from xds.config.providers_schema import KNOWN_OF_BACKEND

# Where the parts of a model went.
_OF_MODEL: Final = ("reasoning_family", "pricing", "api_format", "external_model_ids")
_OF_CARD: Final = (
    *("param_size", "context_window_size", "description", "capabilities", "loras", "tags"),
    *("quality_score", "modality"),
)
_OF_REASONING: Final = ("reasoning_families", "default_reasoning_effort")
_OF_DEFAULTS: Final = ("default_model", *_OF_REASONING)
_OF_PROFILE: Final = {
    **{key: key for key in ("base_url", "auth_header", "auth_prefix", "api_version", "chat_path")},
    "type": "provider",
    "extra_headers": "extra_headers",
}
# What is read of an endpoint of dialect A, and where it is.
_OF_ENDPOINT: Final = ("name", "weight", "type", "api_key", "api_key_env", "model")
_OF_PLACE: Final = ("address", "port", "protocol", "path", "provider_profile")
_SIGNALS: Final = {
    "categories": "domains",
    "keyword_rules": "keywords",
    "embedding_rules": "embeddings",
    "fact_check_rules": "fact_check",
    "user_feedback_rules": "user_feedbacks",
    "preference_rules": "preferences",
    "language_rules": "language",
    "context_rules": "context",
    "complexity_rules": "complexity",
    "modality_rules": "modality",
}


def migrate(config: Source, settings: Source | None = None) -> tuple[dict[str, Any], list[Problem]]:
    """Return what a file of dialect A or B says in dialect C, and what its author has to do.

    Keys are never part of it: references to environment variables take their places. Raises
    ConfigError if there is a mistake in a file, or nothing to migrate.
    """
    loaded = load(config, settings)
    writer = _Migration(parse(config), loaded.gateway, list(loaded.warnings))
    return writer.migrated(), sorted(set(writer.warnings))


@dataclass
class _Migration:
    """Writes one document anew, and gathers what its author has to do besides."""

    document: Document
    gateway: Gateway
    warnings: list[Problem]

    def __post_init__(self) -> None:
        self._told = {warning.path for warning in self.warnings}

    def migrated(self) -> dict[str, Any]:
        data = self.document.data
        keys = Keys(self.document, is_flat="vllm_endpoints" in data)
        said = keys.taken_out((), data)
        if keys.is_flat:
            found = self._flat(said)
        elif any("endpoints" in model for model in _items(data["providers"], "models")):
            found = self._user(said)
        else:
            text = f"the file is in the form of {canonical.VERSION} already; use it as it is"
            raise ConfigError([self.document.problem((), text)])
        referred = set(re.findall(r"\$\{(\w+)\}", repr(found)))
        for variable in keys.variables.keys() & referred:
            text = f"is left out; set the environment variable {variable} to it"
            self._warn(keys.variables[variable], text)
        return found

    def _flat(self, said: Mapping[str, Any]) -> dict[str, Any]:
        if not self.gateway.models:
            text = "names no model, and every endpoint belongs to one now; add `model_config`"
            raise ConfigError([self.document.problem((), text)])
        items = self.document.data["vllm_endpoints"]
        places = {item["name"]: index for index, item in enumerate(items)}
        models, cards = [], []
        for model in self.gateway.models:
            path: Path = ("model_config", model.name)
            entry = said["model_config"][model.name] or {}
            kept = ("preferred_endpoints", "access_key", "model_id", *_OF_MODEL, *_OF_CARD)
            self._tell_dropped(path, entry, kept)
            refs = [self._flat_ref(each, places[each.name], said) for each in model.endpoints]
            self._share_key((*path, "access_key"), entry.get("access_key"), refs)
            name = escaped(model.name)
            models.append(_model(name, entry, refs, entry.get("model_id")))
            cards.append({"name": name} | _picked(entry, _OF_CARD))
        self._tell_unused(places)
        self._tell_dropped(
            (),
            said,
            _known_at_top("vllm_endpoints", "model_config", "provider_profiles", *_OF_DEFAULTS),
        )
        defaults = _picked(said, _OF_DEFAULTS)
        return _config(self._listeners({}), defaults, models, cards, self._routing(said))

    def _flat_ref(self, endpoint: Endpoint, index: int, said: Mapping[str, Any]) -> dict[str, Any]:
        path: Path = ("vllm_endpoints", index)
        item, profile = said["vllm_endpoints"][index], {}
        if name := self.document.data["vllm_endpoints"][index].get("provider_profile"):
            profile = said["provider_profiles"][name]
            self._tell_dropped(("provider_profiles", name), profile, _OF_PROFILE)
        placed = ("provider_profile",) if name else _OF_PLACE
        self._tell_dropped(path, item, (*_OF_ENDPOINT, *placed))
        ref = {
            "name": escaped(endpoint.name),
            "endpoint": None if name else _server(endpoint),
            "protocol": "https" if endpoint.tls and not name else None,
            "weight": endpoint.weight if endpoint.weight != 1 else None,
            "type": item.get("type"),
            "api_key": item.get("api_key"),
            "api_key_env": item.get("api_key_env"),
            **{new: profile.get(old) for old, new in _OF_PROFILE.items()},
        }
        return _picked(ref, tuple(ref))

    def _tell_unused(self, places: Mapping[str, int]) -> None:
        """Tell of endpoints that serve no model, and of profiles that place no endpoint."""
        data = self.document.data
        used = {endpoint.name for model in self.gateway.models for endpoint in model.endpoints}
        for name in places.keys() - used:
            where: Path = ("vllm_endpoints", places[name], "name")
            self._warn(where, f'"{name}" serves no model and is left out')
        placing = {data["vllm_endpoints"][places[name]].get("provider_profile") for name in used}
        for name in (data.get("provider_profiles") or {}).keys() - placing:
            where = ("provider_profiles", name)
            self._warn(where, "places no endpoint of a model and is left out", key=True)

    def _user(self, said: Mapping[str, Any]) -> dict[str, Any]:
        models, cards = [], []
        for index, entry in enumerate(_items(said["providers"], "models")):
            path: Path = (*MODELS, index)
            refs = [_picked(each, KNOWN_OF_BACKEND) for each in _items(entry, "endpoints")]
            for number, each in enumerate(_items(entry, "endpoints")):
                self._tell_dropped((*path, "endpoints", number), each, KNOWN_OF_BACKEND)
            self._share_key((*path, "access_key"), entry.get("access_key"), refs)
            kept = ("name", "endpoints", "access_key", "provider_model_id", *_OF_MODEL, *_OF_CARD)
            self._tell_dropped(path, entry, kept)
            models.append(_model(entry["name"], entry, refs, entry.get("provider_model_id")))
            cards.append({"name": entry["name"]} | _picked(entry, _OF_CARD))
        self._tell_dropped(("providers",), said["providers"], ("models", *_OF_DEFAULTS))
        self._tell_dropped(
            (), said, _known_at_top("version", "listeners", "providers", *_OF_REASONING)
        )
        defaults = _picked(said, _OF_REASONING) | _picked(said["providers"], _OF_DEFAULTS)
        return _config(self._listeners(said), defaults, models, cards, self._routing(said))

    def _share_key(self, path: Path, key: str | None, refs: list[dict[str, Any]]) -> None:
        """Give a model's key to its backends, except to those that have one of their own."""
        without = [ref for ref in refs if not {"api_key", "api_key_env"} & ref.keys()]
        for ref in without if key else ():
            ref["api_key"] = key
        if key and not without:
            text = "is left out, as there is no endpoint without a key of its own"
            self._warn(path, text, key=True)

    def _listeners(self, said: Mapping[str, Any]) -> list[dict[str, Any]]:
        return _items(said, "listeners") or [
            {"name": each.name, "address": each.address, "port": each.port}
            for each in self.gateway.listeners
        ]

    def _routing(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of routing that keep their form."""
        given = said.get("signals")
        signals = dict(given) if isinstance(given, dict) else {}
        if given and not signals:
            self._tell_dropped((), {"signals": given}, ())
        for old, new in _SIGNALS.items():
            if said.get(old) and signals.setdefault(new, said[old]) is not said[old]:
                text = f"is left out, as `signals.{new}` stands in its place; keep one of the two"
                self._warn((old,), text, key=True)
        found = {"signals": signals, "decisions": said.get("decisions")}
        return _picked(found, tuple(found))

    def _tell_dropped(self, path: Path, entry: Mapping[str, Any], kept: Collection[str]) -> None:
        """Tell of the keys of an entry that are not carried over, unless that is told already."""
        text = f"is left out, as {canonical.VERSION} has no place for it"
        if path in {(), ("providers",)}:
            text = (
                "is left out, as it has no bearing here; `vllm-sr config migrate` carries it over"
            )
        for key in (key for key, value in entry.items() if key not in kept):
            if entry[key] not in NOTHING and spell((*path, key)) not in self._told:
                self._warn((*path, key), text, key=True)

    def _warn(self, path: Path, text: str, *, key: bool = False) -> None:
        self.warnings.append(self.document.problem(path, text, key=key, is_warning=True))


def _known_at_top(*keys: str) -> Collection[str]:
    return (*keys, "signals", "decisions", *_SIGNALS)


def _config(
    listeners: list[dict[str, Any]],
    defaults: Mapping[str, Any],
    models: list[dict[str, Any]],
    cards: list[dict[str, Any]],
    routing: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "version": canonical.VERSION,
        "listeners": listeners,
        "providers": {"defaults": defaults, "models": models},
        "routing": {"modelCards": cards, **routing},
    }


def _model(
    name: str, entry: Mapping[str, Any], refs: list[dict[str, Any]], model_id: object = None
) -> dict[str, Any]:
    found = {"name": name, "provider_model_id": model_id, **_picked(entry, _OF_MODEL)}
    found["backend_refs"] = refs
    return _picked(found, tuple(found))


def _server(endpoint: Endpoint) -> str:
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{host}:{endpoint.port}{escaped(endpoint.path)}"


def _picked(entry: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: entry[key] for key in keys if entry.get(key) not in NOTHING}


def _items(entry: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return entry.get(key) or []
