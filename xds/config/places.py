"""Know how to find what stands in a file at one place, or at all places of a kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from xds.config.problems import Path

_EACH: Final = "*"


def at(value: Any, path: Path) -> Any:  # noqa: ANN401  any YAML value
    """Return what stands at a path below a value; None if nothing does."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def standing(value: Any, place: str) -> list[tuple[Path, Any]]:  # noqa: ANN401
    """Return all that stands at a kind of place, such as `providers.models.*.name`, each by path.

    A star is any item of a list, or any key of a mapping.
    """
    found: list[tuple[Path, Any]] = [((), value)]
    for step in place.split("."):
        if step == _EACH:
            found = [((*path, key), each) for path, one in found for key, each in _items(one)]
        else:
            found = [
                ((*path, step), one[step])
                for path, one in found
                if isinstance(one, dict) and step in one
            ]
    return found


def replaced(value: Any, path: Path, new: Any) -> Any:  # noqa: ANN401  any YAML value
    """Return a value with something else at a path below it; the value itself stays as it is."""
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping, or an empty one in the place of anything else, which is told elsewhere."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return a list, or an empty one in the place of anything else, which is told elsewhere."""
    return value if isinstance(value, list) else []


def _items(value: object) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()
