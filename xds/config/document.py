"""Know YAML as text: turn it into plain values, and tell the line of any path when asked.

Values are built in one pass over libyaml's events, without PyYAML's node tree: several times
cheaper, with nothing that recurses. Positions are looked up in a second pass, which only a file
with a mistake ever pays for.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

import yaml

from xds.config.problems import ConfigError, Path, Problem, spell
from xds.config.scalars import UnknownTagError, check_tag, value_of

MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 64
# What aliases may expand to; 64 MiB of endpoints without any alias stay below it.
MAX_VALUES: Final = 20_000_000

# Line and column, from 0, as libyaml counts.
Place = tuple[int, int]

_MERGE: Final = "<<"
_RIGHT: Final = "write keys with values, such as `key: value`"


@dataclass(frozen=True)
class Document:
    """A YAML file that was understood: its values, and where each of them stands."""

    file: str
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, file: str, content: bytes) -> Self:
        """Read the bytes of a file; `file` is the name that its errors bear.

        Raises ConfigError if the bytes are not one YAML mapping within the limits: 64 MiB,
        64 levels, no key twice, no bomb of aliases.
        """
        text = _decode(file, content)
        builder = _Builder()
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                builder.take(event)
        except yaml.YAMLError as error:
            raise ConfigError([_syntax(file, text, error)]) from None
        except _RefusedError as refused:
            raise ConfigError([_at(file, refused.mark, "", refused.text)]) from None
        # A file of comments says nothing; one without a letter was not written to its end.
        data = {} if builder.root is None and text.strip() else builder.root
        if not isinstance(data, dict):
            wrong = "the file is empty" if data is None else f"the file is {kind(data)}"
            raise ConfigError([Problem(file, 1, 1, "", f"{wrong}; {_RIGHT}")])
        document = cls(file, text, data)
        if builder.twice:
            raise ConfigError(document.told_twice(path, mark) for path, mark in builder.twice)
        return document

    def problem(self, path: Path, text: str, *, key: bool = False) -> Problem:
        """Return a mistake at a path; `key` points at the key instead of its value.

        A path that does not stand in the file is placed where the nearest of its parents stands.
        """
        known = path
        while known and known not in self._marks:
            known = known[:-1]
        key_mark, value_mark = self._marks.get(known, ((0, 0), (0, 0)))
        # What is missing is missing from the parent, whose first line is its own key's, if any.
        mark = key_mark if key and known == path else value_mark
        return _at(self.file, mark, spell(path), text)

    def told_twice(self, path: Path, mark: Place) -> Problem:
        """Return the mistake of writing one key twice, at the second place."""
        first = self._marks[path][0]
        place = f"{first[0] + 1}:{first[1] + 1}"
        text = f"is a duplicate key, already written at {place}; keep one of the two"
        return _at(self.file, mark, spell(path), text)

    @cached_property
    def _marks(self) -> dict[Path, tuple[Place, Place]]:
        return _positions(yaml.parse(self.text, Loader=yaml.CSafeLoader))


def kind(value: object) -> str:  # noqa: PLR0911  a case each
    """Return what a value is, in words for a sentence: `the string "8000"`."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the string "{value if len(value) <= 60 else value[:57] + "..."}"'  # noqa: PLR2004
        case []:
            return "an empty list"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _decode(file: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        wrong = f"the file has more than {MAX_BYTES} bytes; split it"
        raise ConfigError([Problem(file, 0, 0, "", wrong)])
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-16" if utf16 else "utf-8-sig", "ignore")
        wrong = f"this is not text in {'UTF-16' if utf16 else 'UTF-8'}; write a YAML file"
        raise ConfigError([_at(file, _end_of(before), "", wrong)]) from None


def _syntax(file: str, text: str, error: yaml.YAMLError) -> Problem:
    right = "mend the indentation, quotes or brackets here or just above"
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark) is not None:
        reasons = (error.context, error.problem)
        wrong = "not valid YAML: " + ", ".join(reason for reason in reasons if reason)
        return _at(file, (mark.line, mark.column), "", f"{wrong}; {right}")
    # libyaml counts the bytes of the text in UTF-8.
    before = text.encode()[: getattr(error, "position", 0)].decode(errors="ignore")
    wrong = "a control character, which YAML does not allow; write a YAML text file"
    return _at(file, _end_of(before), "", wrong)


def _end_of(text: str) -> Place:
    return text.count("\n"), len(text) - text.rfind("\n") - 1


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (0, 0) if mark is None else (mark.line, mark.column)


def _at(file: str, place: Place, path: str, text: str) -> Problem:
    return Problem(file, place[0] + 1, place[1] + 1, path, text)


class _RefusedError(Exception):
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


class _Builder:
    """Builds plain values from events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.twice: list[tuple[Path, Place]] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
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
                if self._documents > 1:
                    text = "a second YAML document begins; keep one document in the file"
                    raise _RefusedError(_place(event), text)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.value, dict):
            self._key(top, event)
            return
        try:
            value = value_of(event)
        except UnknownTagError as error:
            raise _RefusedError(_place(event), str(error)) from None
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._add(value, 1, 0, event)

    def _key(self, top: _Open, event: yaml.ScalarEvent) -> None:
        # Keys stay text, so that a model may be named 3.5 or on.
        top.key = event.value
        top.merging = event.value == _MERGE and event.implicit[0]
        self._check_tag(event, "str")
        if event.anchor:
            self._anchors[event.anchor] = (event.value, 1, 0)
        if event.value in top.value or (top.merging and top.has_merged):
            self.twice.append((self._path(), _place(event)))

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, name: str) -> None:
        try:
            check_tag(event.tag, name)
        except UnknownTagError as error:
            raise _RefusedError(_place(event), str(error)) from None

    def _begin(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
            raise _RefusedError(_place(event), "a key must be text; write a plain word")
        if len(self._open) >= MAX_DEPTH:
            raise _RefusedError(_place(event), _too_deep())
        self._check_tag(event, "map" if isinstance(value, dict) else "seq")
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: yaml.Event) -> None:
        done = self._open.pop()
        for merged in done.merged:
            if isinstance(done.value, dict):
                done.value = {**merged, **done.value}
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size, done.height)
        self._add(done.value, done.size, done.height, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            text = f"the alias *{event.anchor} has no anchor &{event.anchor} before it; add one"
            if any(frame.anchor == event.anchor for frame in self._open):
                text = f"the alias *{event.anchor} stands inside what it repeats; write it out"
            raise _RefusedError(_place(event), text)
        self._add(*self._anchors[event.anchor], event)

    def _add(self, value: Any, size: int, height: int, event: yaml.Event) -> None:  # noqa: ANN401
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        top.size += size
        top.height = max(top.height, height + 1)
        if top.size > MAX_VALUES:
            text = f"the aliases expand to more than {MAX_VALUES} values; write them out"
            raise _RefusedError(_place(event), text)
        if len(self._open) + height > MAX_DEPTH:
            raise _RefusedError(_place(event), _too_deep())
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.merging:
            self._merge(top, value, event)
        elif top.key is None:
            raise _RefusedError(_place(event), "a key must be text; write a plain word")
        else:
            top.value[top.key] = value
            top.key = None

    def _merge(self, top: _Open, value: Any, event: yaml.Event) -> None:  # noqa: ANN401
        # https://yaml.org/type/merge.html: of several mappings, the earlier ones win.
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in merged):
            raise _RefusedError(_place(event), "<< merges mappings; give it one, or a list")
        top.merged.extend(merged)
        top.has_merged = True
        top.key, top.merging = None, False

    def _path(self) -> Path:
        return tuple(len(frame.value) if frame.key is None else frame.key for frame in self._open)


def _too_deep() -> str:
    return f"more than {MAX_DEPTH} levels deep; write it flatter"


@dataclass(slots=True)
class _Level:
    """A mapping or list on the way to a position: `at` is the key or index that is due next."""

    path: Path
    at: str | int | None
    key_mark: Place | None = None


def _positions(events: Iterable[yaml.Event]) -> dict[Path, tuple[Place, Place]]:
    """Return, for every path, where its key (for list items: its value) and its value begin."""
    found: dict[Path, tuple[Place, Place]] = {}
    levels: list[_Level] = []
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
        elif isinstance(event, yaml.NodeEvent):
            level = levels[-1] if levels else None
            if level is not None and level.at is None:
                level.at, level.key_mark = getattr(event, "value", ""), _place(event)
                continue
            path = () if level is None or level.at is None else (*level.path, level.at)
            key_mark = (level and level.key_mark) or _place(event)
            found.setdefault(path, (key_mark, _place(event)))
            if level is not None:
                level.at = level.at + 1 if isinstance(level.at, int) else None
            if isinstance(event, yaml.MappingStartEvent):
                levels.append(_Level(path, None))
            elif isinstance(event, yaml.SequenceStartEvent):
                levels.append(_Level(path, 0))
    return found
