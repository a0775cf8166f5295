"""Know where every key and every value of a YAML text begins."""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from xds.config.problems import Path
from xds.config.tree import Place, place_of


@dataclass(slots=True)
class _Level:
    """A mapping or list on the way to a position: `at` is the key or index that is due next."""

    path: Path
    at: str | int | None
    key_mark: Place | None = None


def positions(events: Iterable[yaml.Event]) -> dict[Path, tuple[Place, Place]]:
    """Return, for every path, where its key (for list items: its value) and its value begin."""
    found: dict[Path, tuple[Place, Place]] = {}
    levels: list[_Level] = []
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
        elif isinstance(event, yaml.NodeEvent):
            level = levels[-1] if levels else None
            if level is not None and level.at is None:
                level.at, level.key_mark = getattr(event, "value", ""), place_of(event)
                continue
            path = () if level is None or level.at is None else (*level.path, level.at)
            key_mark = (level and level.key_mark) or place_of(event)
            found.setdefault(path, (key_mark, place_of(event)))
            if level is not None:
                level.at = level.at + 1 if isinstance(level.at, int) else None
            if isinstance(event, yaml.MappingStartEvent):
                levels.append(_Level(path, None))
            elif isinstance(event, yaml.SequenceStartEvent):
                levels.append(_Level(path, 0))
    return found
