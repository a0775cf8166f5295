"""Know how a file of dialect A or B is written in dialect C, which today's routers read.

https://vllm-semantic-router.com/docs/installation/configuration
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xds.config import canonical
from xds.config.document import Document
from xds.config.gateway import Endpoint, Gateway
from xds.config.load import Source, load, parse
from xds.config.problems import ConfigError, Path, Problem
from xds.config.providers import MODELS

# Where the parts of a model went.
_OF_MODEL: Final = ("reasoning_family", "pricing", "api_format", "external_model_ids")
_OF_CARD: Final = (
    *("param_size", "context_window_size", "description", "capabilities", "loras", "tags"),
    *("quality_score", "modality"),
)
_OF_DEFAULTS: Final = ("default_model", "reasoning_families", "default_reasoning_effort")
_OF_PROFILE: Final = {
    **{key: key for key in ("base_url", "auth_header", "auth_prefix", "api_version", "chat_path")},
    "type": "provider",
    "extra_headers": "extra_headers",
}
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
_REFERENCE: Final = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})\Z")
_SECRET_HEADER: Final = re.compile("auth|key|token|secret|cookie|password", re.IGNORECASE)


def migrate(config: Source, settings: Source | None = None) -> tuple[dict[str, Any], list[Problem]]:
    """Return what a file of dialect A or B says in dialect C, and what its author has to do.

    Keys are never part of it: references to environment variables take their places. Raises
    ConfigError if there is a mistake in a file, or nothing to migrate.
    """
    writer = _Migration(parse(config), load(config, settings).gateway)
    return writer.migrated(), writer.warnings


@dataclass
class _Migration:
    """Writes one document anew, and gathers what its author has to do besides."""

    document: Document
    gateway: Gateway
    warnings: list[Problem] = field(default_factory=list)
    # What stands where becomes the value of which environment variable.
    _variables: dict[str, Path] = field(default_factory=dict)

    def migrated(self) -> dict[str, Any]:
        data = self.document.data
        if "vllm_endpoints" in data:
            found = self._flat(data)
        elif any("endpoints" in model for model in _items(data["providers"], "models")):
            found = self._user(data)
        else:
            text = f"the file is in the form of {canonical.VERSION} already; use it as it is"
            raise ConfigError([self.document.problem((), text)])
        self.warnings = sorted(set(self.warnings))
        return found

    def _flat(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if not self.gateway.models:
            text = "names no model, and every endpoint belongs to one now; add `model_config`"
            raise ConfigError([self.document.problem((), text)])
        items = {item["name"]: (n, item) for n, item in enumerate(data["vllm_endpoints"])}
        models, cards = [], []
        used: set[str] = set()
        for model in self.gateway.models:
            said = data["model_config"][model.name] or {}
            path: Path = ("model_config", model.name, "access_key")
            key = self._secret(path, said.get("access_key"), model.name)
            refs = [self._flat_ref(each, *items[each.name], data) for each in model.endpoints]
            for ref in refs:
                ref.setdefault("api_key", key)
            used |= {each.name for each in model.endpoints}
            entry = _escaped(said)
            models.append(_model(_escaped(model.name), entry, refs, entry.get("model_id")))
            cards.append({"name": _escaped(model.name)} | _picked(entry, _OF_CARD))
        for name in items.keys() - used:
            where: Path = ("vllm_endpoints", items[name][0], "name")
            self._warn(where, f'"{name}" serves no model and is left out')
        known = {"vllm_endpoints", "model_config", "provider_profiles", "routing"}
        routing = self._routing(data, known, _escaped)
        return _config(self._listeners({}), _escaped(data), models, cards, routing)

    def _flat_ref(
        self, endpoint: Endpoint, index: int, item: Mapping[str, Any], data: Mapping[str, Any]
    ) -> dict[str, Any]:
        name = item.get("provider_profile")
        profile = _escaped(data["provider_profiles"][name]) if name else {}
        key = ("vllm_endpoints", index, "api_key")
        ref = {
            "name": _escaped(endpoint.name),
            "endpoint": None if name else _server(endpoint),
            "protocol": "https" if endpoint.tls and not name else None,
            "weight": endpoint.weight if endpoint.weight != 1 else None,
            "type": _escaped(item.get("type")),
            "api_key": self._secret(key, item.get("api_key"), endpoint.name),
            "api_key_env": item.get("api_key_env"),
            **{new: profile.get(old) for old, new in _OF_PROFILE.items()},
        }
        headers = ref["extra_headers"]
        where: Path = ("provider_profiles", str(name), "extra_headers")
        ref["extra_headers"] = {
            header: self._secret((*where, header), value, f"{name} {header}")
            if _SECRET_HEADER.search(header)
            else value
            for header, value in (headers if isinstance(headers, dict) else {}).items()
        }
        return {key: value for key, value in ref.items() if value not in (None, "", {})}

    def _user(self, data: Mapping[str, Any]) -> dict[str, Any]:
        models, cards = [], []
        for index, entry in enumerate(_items(data["providers"], "models")):
            path = (*MODELS, index, "access_key")
            key = self._secret(path, entry.get("access_key"), entry["name"])
            refs = [
                _picked(each, ("name", "endpoint", "base_url", "protocol", "weight", "type"))
                | {"api_key": key}
                for each in _items(entry, "endpoints")
            ]
            models.append(_model(entry["name"], entry, refs))
            cards.append({"name": entry["name"]} | _picked(entry, _OF_CARD))
        known = {"version", "listeners", "providers", "signals"}
        routing = _picked(data, ("signals",)) | self._routing(data, known, lambda value: value)
        for key in data["providers"].keys() - {"models", *_OF_DEFAULTS}:
            self._left_out(("providers", key))
        return _config(self._listeners(data), data["providers"], models, cards, routing)

    def _listeners(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        given = _items(data, "listeners")
        if not given:
            return [
                {"name": each.name, "address": each.address, "port": each.port}
                for each in self.gateway.listeners
            ]
        return [
            {**item, "api_keys": list(self._keys(("listeners", index, "api_keys"), item))}
            if item.get("api_keys")
            else dict(item)
            for index, item in enumerate(given)
        ]

    def _keys(self, path: Path, item: Mapping[str, Any]) -> Iterator[str | None]:
        for number, key in enumerate(item["api_keys"]):
            yield self._secret((*path, number), key, f"{item['name']} {number + 1}")

    def _routing(
        self, data: Mapping[str, Any], known: set[str], escaped: Callable[[Any], Any]
    ) -> dict[str, Any]:
        """Return the parts of routing that keep their form, and tell of those that do not."""
        signals = {new: escaped(data[old]) for old, new in _SIGNALS.items() if data.get(old)}
        for key in data.keys() - known - {"decisions", *_OF_DEFAULTS, *_SIGNALS}:
            self._left_out((key,))
        found = {"signals": signals, "decisions": escaped(data.get("decisions"))}
        return {key: value for key, value in found.items() if value}

    def _left_out(self, path: Path) -> None:
        text = "is left out, as it has no bearing here; `vllm-sr config migrate` carries it over"
        self._warn(path, text, key=True)

    def _secret(self, path: Path, value: object, owner: str) -> str | None:
        """Return a reference in the place of a key, which is never printed."""
        if not value:
            return None
        if isinstance(value, str) and _REFERENCE.match(value):
            return value
        variable = re.sub(r"[^A-Z0-9]+", "_", f"{owner} API_KEY".upper()).strip("_")
        while self._variables.setdefault(variable, path) != path:
            variable += "_"
        self._warn(path, f"is left out; set the environment variable {variable} to it")
        return f"${{{variable}}}"

    def _warn(self, path: Path, text: str, *, key: bool = False) -> None:
        self.warnings.append(self.document.problem(path, text, key=key, is_warning=True))


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
        "providers": {"defaults": _picked(defaults, _OF_DEFAULTS), "models": models},
        "routing": {"modelCards": cards, **routing},
    }


def _model(
    name: str, entry: Mapping[str, Any], refs: list[dict[str, Any]], model_id: object = None
) -> dict[str, Any]:
    kept = [{key: value for key, value in ref.items() if value is not None} for ref in refs]
    found = {"name": name, "provider_model_id": model_id, **_picked(entry, _OF_MODEL)}
    found["backend_refs"] = kept
    return {key: value for key, value in found.items() if value}


def _server(endpoint: Endpoint) -> str:
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{host}:{endpoint.port}{_escaped(endpoint.path)}"


def _picked(entry: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: entry[key] for key in keys if entry.get(key) not in (None, "", [], {})}


def _items(entry: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return entry.get(key) or []


def _escaped(value: Any) -> Any:  # noqa: ANN401  any YAML value
    """Return a value of dialect A, in which `$` is a letter like others, for dialect C."""
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
