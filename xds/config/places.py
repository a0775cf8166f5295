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


def replaced(value: Any, new: Mapping[Path, Any]) -> Any:  # noqa: ANN401  any YAML value
    """Return a value with others at some paths below it; the value itself stays as it is."""
    copies: dict[Path, Any] = {}
    for path, each in new.items():
        # Whatever leads there is copied, once.
        for depth in range(len(path)):
            if (above := path[:depth]) not in copies:
                copies[above] = at(value, above).copy()
                if depth:
                    copies[path[: depth - 1]][path[depth - 1]] = copies[above]
        copies[path[:-1]][path[-1]] = each
    return copies.get((), value)


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
