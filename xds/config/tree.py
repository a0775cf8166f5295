"""Know how libyaml's events become plain values, within limits, without recursion."""

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from xds.config.problems import Path
from xds.config.scalars import Scalar, UnknownTagError, check_tag, tagged
from xds.config.sharing import Shared, Sharer

MAX_DEPTH: Final = 64
# How many aliases a file may have, and to how many values they may expand together. Whoever goes
# over the values later then has no more to do than the length of the file allows.
MAX_ALIASES: Final = 100_000
MAX_EXPANDED: Final = 1_000_000

# Line and column, from 0, as libyaml counts.
Place = tuple[int, int]

_MERGE: Final = "<<"


def place_of(event: yaml.Event) -> Place:
    """Return where an event begins."""
    mark = event.start_mark
    return (0, 0) if mark is None else (mark.line, mark.column)


class RefusedError(Exception):
    """The text is YAML, but not what a configuration may hold."""

    def __init__(self, mark: Place, text: str) -> None:
        super().__init__(text)
        self.mark = mark
        self.text = text


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being built, and how large it is with all aliases expanded."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    merged: list[Any] = field(default_factory=list)
    merging: bool = False
    has_merged: bool = False
    size: int = 1
    height: int = 1


class Builder:
    """Builds plain values from events; what is alike in `last` is taken from there."""

    def __init__(self, last: Shared) -> None:
        self.root: Any = None
        self.twice: list[tuple[Path, Place]] = []
        self._sharer = Sharer(last)
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._documents = 0
        self._later: Place | None = None
        self._aliases = 0
        self._expanded = 0

    @property
    def shared(self) -> Shared:
        """What was built, for the next builder."""
        return self._sharer.shared

    def take(self, event: yaml.Event) -> None:
        if self._later is not None and isinstance(event, yaml.NodeEvent):
            self._check_empty(event, self._later)
            return
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                self._later = place_of(event) if self._documents > 1 else None

    def _check_empty(self, event: yaml.NodeEvent, start: Place) -> None:
        # Tools that write several documents often end the last one with a `---` of its own.
        nothing = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value
        if not nothing or event.anchor:
            text = "a second YAML document begins; keep one document in the file"
            raise RefusedError(start, text)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.value, dict):
            self._key(top, event)
            return
        value = self._value(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._add(value, 1, 0, event)

    def _value(self, event: yaml.ScalarEvent) -> Scalar:
        is_plain = event.implicit[0]
        if event.tag is not None:
            try:
                is_plain = not isinstance(tagged(event.tag, event.value), str)
            except UnknownTagError as error:
                raise RefusedError(place_of(event), str(error)) from None
        return self._sharer.plain(event.value) if is_plain else event.value

    def _key(self, top: _Open, event: yaml.ScalarEvent) -> None:
        # Keys stay text, so that a model may be named 3.5 or on.
        top.key = event.value
        top.merging = event.value == _MERGE and event.implicit[0]
        self._check_tag(event, "str")
        if event.anchor:
            self._anchors[event.anchor] = (event.value, 1, 0)
        if event.value in top.value or (top.merging and top.has_merged):
            self.twice.append((self._path(), place_of(event)))

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, name: str) -> None:
        try:
            if event.tag is not None:
                check_tag(event.tag, name)
        except UnknownTagError as error:
            raise RefusedError(place_of(event), str(error)) from None

    def _begin(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
            raise RefusedError(place_of(event), "a key must be text; write a plain word")
        if len(self._open) >= MAX_DEPTH:
            raise RefusedError(place_of(event), _too_deep())
        self._check_tag(event, "map" if isinstance(value, dict) else "seq")
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: yaml.Event) -> None:
        done = self._open.pop()
        for merged in done.merged:
            if isinstance(done.value, dict):
                done.value = {**merged, **done.value}
        if isinstance(done.value, dict):
            done.value = self._sharer.mapping(done.value)
        else:
            done.value = self._sharer.sequence(done.value)
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size, done.height)
        self._add(done.value, done.size, done.height, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            text = f"the alias *{event.anchor} has no anchor &{event.anchor} before it; add one"
            if any(frame.anchor == event.anchor for frame in self._open):
                text = f"the alias *{event.anchor} stands inside what it repeats; write it out"
            raise RefusedError(place_of(event), text)
        value, size, height = self._anchors[event.anchor]
        self._aliases += 1
        self._expanded += size
        if self._aliases > MAX_ALIASES:
            text = f"more than {MAX_ALIASES} aliases; write out what they repeat"
            raise RefusedError(place_of(event), text)
        if self._expanded > MAX_EXPANDED:
            text = f"the aliases expand to more than {MAX_EXPANDED} values; write them out"
            raise RefusedError(place_of(event), text)
        self._add(value, size, height, event)

    def _add(self, value: Any, size: int, height: int, event: yaml.Event) -> None:  # noqa: ANN401
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        top.size += size
        top.height = max(top.height, height + 1)
        if len(self._open) + height > MAX_DEPTH:
            raise RefusedError(place_of(event), _too_deep())
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.merging:
            self._merge(top, value, event)
        elif top.key is None:
            raise RefusedError(place_of(event), "a key must be text; write a plain word")
        else:
            top.value[top.key] = value
            top.key = None

    def _merge(self, top: _Open, value: Any, event: yaml.Event) -> None:  # noqa: ANN401
        # https://yaml.org/type/merge.html: of several mappings, the earlier ones win.
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in merged):
            raise RefusedError(place_of(event), "<< merges mappings; give it one, or a list")
        top.merged.extend(merged)
        top.has_merged = True
        top.key, top.merging = None, False

    def _path(self) -> Path:
        return tuple(len(frame.value) if frame.key is None else frame.key for frame in self._open)


def _too_deep() -> str:
    return f"more than {MAX_DEPTH} levels deep; write it flatter"
