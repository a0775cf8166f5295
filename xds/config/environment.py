"""Know how references to environment variables in a text are filled in.

As the router itself does: `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR-default}`, and `$$` for `$`;
but what is not set is told, where the router takes it for empty.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xds.config.problems import Path

_REFERENCE: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<braced>[^}]*)\}|(?P<plain>[A-Za-z0-9_]+))"
)
_BRACED: Final = re.compile(r"(?P<name>.+?)(?::-(?P<if_empty>.*)|-(?P<if_unset>.*))?\Z", re.DOTALL)


class UnsetVariableError(Exception):
    """A variable that is not set, and has no default; carries its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def filled(
    value: Any,  # noqa: ANN401  any YAML value
    environment: Mapping[str, str],
    keys: Collection[str],
    but: Collection[Path] = (),
) -> tuple[Any, dict[Path, str]]:
    """Return a value with all references below some keys filled in, and the variables not set.

    Those are told by the path of the text that refers to them, which stays as it is. `but` are the
    paths of lists that stay as they are.
    """
    filling = _Filling(environment, keys, but)
    return filling.filled((), value), filling.unset


@dataclass(frozen=True, slots=True)
class _Filling:
    environment: Mapping[str, str]
    keys: Collection[str]
    but: Collection[Path]
    unset: dict[Path, str] = field(default_factory=dict)

    def filled(self, path: Path, value: Any) -> Any:  # noqa: ANN401  any YAML value
        if isinstance(value, dict):
            return {
                key: self.filled((*path, key), each) if key in self.keys else each
                for key, each in value.items()
            }
        if isinstance(value, list):
            if path in self.but:
                return value
            return [self.filled((*path, index), each) for index, each in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            return expand(value, self.environment)
        except UnsetVariableError as error:
            self.unset[path] = error.name
            return value


def variables(text: str) -> list[str]:
    """Return the names of the variables that a text refers to."""
    braced = (found["plain"] or found["braced"] or "" for found in _REFERENCE.finditer(text))
    return [match["name"] for name in braced if (match := _BRACED.match(name))]


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with the values of the variables that it refers to.

    Raises UnsetVariableError.
    """

    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        if found["plain"]:
            return _value(found["plain"], environment)
        match = _BRACED.match(found["braced"])
        if match is None:
            return ""
        if match["if_empty"] is not None:
            return environment.get(match["name"]) or match["if_empty"]
        if match["if_unset"] is not None:
            return environment.get(match["name"], match["if_unset"])
        return _value(match["name"], environment)

    return _REFERENCE.sub(value, text)


def _value(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise UnsetVariableError(name)
    return environment[name]
