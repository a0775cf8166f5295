"""Know what in a file is a key that nobody else may see, and what is written in its place."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xds.config.document import Document
from xds.config.problems import Path

NOTHING: Final[tuple[object, ...]] = (None, "", [], {})

_REFERENCE: Final = re.compile(
    r"(?:Bearer )?\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})\Z"
)
# How the names of keys end that are secret: api_key, hf_token, redis-password, clientSecret.
_SECRET: Final = re.compile(
    r"(?:(?:api|access|secret|private|signing|encryption|subscription)[_-]?keys?|tokens?|secrets?"
    r"|passw(?:or)?ds?|passphrase|pwd|credentials?|authorization|bearer|cookies?)\Z",
    re.IGNORECASE,
)
# A number there is a price or a limit: max_tokens, cost_per_token.
_COUNTED: Final = re.compile(r"(?:tokens|per_token)\Z", re.IGNORECASE)
_HEADERS: Final = re.compile(r"headers\Z", re.IGNORECASE)
_SECRET_NAME: Final = re.compile(
    r"auth(?!or\b)|key(?![a-z])|token|secret|cookie|password", re.IGNORECASE
)
# In these, keys are names that somebody gave.
_NAMED: Final = (("model_config",), ("provider_profiles",), ("reasoning_families",))
_SECRET_IN_URL: Final = re.compile(
    r"://[^/?#\s]*:[^/?#\s]*@|[?&][^=&\s]*(?:key|token|secret|password|sig)=", re.IGNORECASE
)


@dataclass
class Keys:
    """Takes keys out of a document, and spells the rest as dialect C does."""

    document: Document
    is_flat: bool
    # Which environment variable takes the place of what stands where.
    variables: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._words = set(re.findall(r"\w+", self.document.text))

    def taken_out(self, path: Path, value: Any, *, secret: bool = False) -> Any:  # noqa: ANN401  any YAML value
        """Return a value with references in the places of keys; `secret` tells that it is one."""
        if isinstance(value, dict):
            secrets = () if path[-1:] in _NAMED else _secrets(value)
            return {
                key: self.taken_out((*path, key), each, secret=secret or key in secrets)
                for key, each in value.items()
            }
        if isinstance(value, list):
            items = enumerate(value)
            return [self.taken_out((*path, n), each, secret=secret) for n, each in items]
        if value in NOTHING or isinstance(value, bool):
            return value
        if not isinstance(value, str):
            return self._reference(path) if secret else value
        secret = secret or _SECRET_IN_URL.search(value) is not None
        if self._is_filled(path):
            return self._reference(path) if secret and not _REFERENCE.match(value) else value
        return self._reference(path) if secret else escaped(value)

    def _is_filled(self, path: Path) -> bool:
        """Tell whether `$` refers to a variable there; in dialect A it is a letter like others."""
        return not self.is_flat or (path[:1] == ("model_config",) and path[2:] == ("access_key",))

    def _reference(self, path: Path) -> str:
        variable = re.sub("[^A-Z0-9]+", "_", self._said(path).upper()).strip("_")
        variable = f"_{variable}" if variable[:1].isdigit() else variable
        while variable in self._words or self.variables.setdefault(variable, path) != path:
            variable += "_"
        return f"${{{variable}}}"

    def _said(self, path: Path) -> str:
        """Return the names on the way to a key, rather than the places in lists."""
        words: list[str] = []
        value: Any = self.document.data
        for step in path:
            value = value[step]
            if isinstance(step, str):
                words.append("api_key" if step == "access_key" else step)
            elif isinstance(value, dict) and isinstance(value.get("name"), str):
                words[-1] = value["name"]
            else:
                words.append(str(step + 1))
        is_placed = path[0] in {"model_config", "provider_profiles", "providers"}
        return " ".join(word for word in words[is_placed:] if word != "extra_headers")


def _secrets(entry: Mapping[str, Any]) -> Collection[str]:
    return {key for key, value in entry.items() if _is_secret(entry, key, value)}


def _is_secret(entry: Mapping[str, Any], key: str, value: object) -> bool:
    """Tell whether nobody may see what stands under a key of a mapping, or below it."""
    if _SECRET.search(key):
        return isinstance(value, str | list | dict) or not _COUNTED.search(key)
    if key == "value":
        return _SECRET_NAME.search(str(entry.get("name"))) is not None
    if key == "auth_prefix":
        return isinstance(value, str) and " " in value.strip()
    return isinstance(value, dict) and _HEADERS.search(key) is not None


def escaped(value: str) -> str:
    """Return a text of dialect A, in which `$` is a letter like others, for dialect C."""
    return value.replace("$", "$$")
