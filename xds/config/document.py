"""Know YAML as text: turn it into plain values, and tell the line of any path when asked.

Values are built in one pass over libyaml's events, without PyYAML's node tree: several times
cheaper, with nothing that recurses. Positions are looked up in a second pass, which only a file
with a mistake ever pays for.
"""

import codecs
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import yaml

from xds.config.origin import Origin
from xds.config.positions import positions
from xds.config.problems import ConfigError, Path, Problem
from xds.config.sharing import Shared
from xds.config.tree import Builder, Place, RefusedError

MAX_BYTES: Final = 64 << 20
_RIGHT: Final = "write keys with values, such as `key: value`"


@dataclass(frozen=True)
class Document:
    """A YAML file that was understood: its values, and where each of them stands.

    `shared` are its values, for the next document, which has most of them, too.
    """

    origin: Origin
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    shared: Shared = field(default_factory=Shared, repr=False, compare=False)

    @classmethod
    def parse(cls, file: str, content: bytes, last: Shared | None = None) -> Self:
        """Read the bytes of a file; `file` is the name that its errors bear.

        What is alike in `last`, the values of an earlier document, is that very object here.

        Raises ConfigError if the bytes are not one YAML mapping within the limits: 64 MiB,
        64 levels, no key twice, no bomb of aliases.
        """
        return cls.of(Origin(file), content, last)

    @classmethod
    def of(cls, origin: Origin, content: bytes, last: Shared | None = None) -> Self:
        """Read bytes, wherever they stand, as `parse` does."""
        text = _decode(origin, content)
        try:
            builder = _build(text, last or Shared())
        except yaml.YAMLError as error:
            raise ConfigError([_syntax(origin, text, error)]) from None
        except RefusedError as refused:
            raise ConfigError([origin.problem(refused.mark, (), refused.text)]) from None
        # A file of comments says nothing; one without a letter was not written to its end.
        data = {} if builder.root is None and text.strip() else builder.root
        if not isinstance(data, dict):
            wrong = "the file is empty" if data is None else f"the file is {kind(data)}"
            raise ConfigError([origin.problem((0, 0), (), f"{wrong}; {_RIGHT}")])
        document = cls(origin, text, data, builder.shared)
        if builder.twice:
            raise ConfigError(document.told_twice(path, mark) for path, mark in builder.twice)
        return document

    def place(self, path: Path) -> Place:
        """Return where the value at a path begins in the text."""
        return self._marks[path][1]

    def line(self, path: Path) -> str:
        """Return the line of the value at a path, for a sentence."""
        return self.origin.line(self.place(self._known(path)))

    def problem(
        self, path: Path, text: str, *, key: bool = False, is_warning: bool = False
    ) -> Problem:
        """Return a mistake at a path; `key` points at the key instead of its value.

        A path that does not stand in the file is placed where the nearest of its parents stands.
        """
        known = self._known(path)
        key_mark, value_mark = self._marks.get(known, ((0, 0), (0, 0)))
        # What is missing is missing from the parent, whose first line is its own key's, if any.
        mark = key_mark if key and known == path else value_mark
        found = self.origin.problem(mark, path, text)
        return replace(found, is_warning=True) if is_warning else found

    def told_twice(self, path: Path, mark: Place) -> Problem:
        """Return the mistake of writing one key twice, at the second place."""
        first = self.origin.spot(self._marks[path][0])
        text = f"is a duplicate key, already written {first}; "
        return self.origin.problem(mark, path, f"{text}keep one of the two")

    def _known(self, path: Path) -> Path:
        while path and path not in self._marks:
            path = path[:-1]
        return path

    @cached_property
    def _marks(self) -> dict[Path, tuple[Place, Place]]:
        return positions(yaml.parse(self.text, Loader=yaml.CSafeLoader))


def kind(value: object, *, secret: bool = False) -> str:  # noqa: PLR0911  a case each
    """Return what a value is, in words for a sentence: `the string "8000"`; no secret."""
    match value:
        case int() | float() | str() if secret:
            return "something else"
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


def _decode(origin: Origin, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        wrong = f"the file has more than {MAX_BYTES} bytes; split it"
        raise ConfigError([Problem(origin.file, 0, 0, "", wrong)])
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-16" if utf16 else "utf-8-sig", "ignore")
        wrong = f"this is not text in {'UTF-16' if utf16 else 'UTF-8'}; write a YAML file"
        raise ConfigError([origin.problem(_end_of(before), (), wrong)]) from None


def _build(text: str, last: Shared) -> Builder:
    """Build the values of a text.

    Raises yaml.YAMLError if it is no YAML, RefusedError if it is not within the limits.
    """
    builder = Builder(last)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        # libyaml reads ahead, and newer ones give up at 1,000 levels before they have told of any.
        # Of the text up to there they tell all.
        if error.problem_mark is not None and "nesting depth" in (error.problem or ""):
            _build(text[: error.problem_mark.index], last)
        raise
    return builder


def _syntax(origin: Origin, text: str, error: yaml.YAMLError) -> Problem:
    right = "mend the indentation, quotes or brackets here or just above"
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark) is not None:
        if text[mark.index : mark.index + 1] == "\t":
            wrong = "a tab, with which YAML can not be indented; write spaces"
            return origin.problem((mark.line, mark.column), (), wrong)
        reasons = (error.context, error.problem)
        wrong = "not valid YAML: " + ", ".join(reason for reason in reasons if reason)
        return origin.problem((mark.line, mark.column), (), f"{wrong}; {right}")
    # libyaml counts the bytes of the text in UTF-8.
    before = text.encode()[: getattr(error, "position", 0)].decode(errors="ignore")
    wrong = "a control character, which YAML does not allow; write a YAML text file"
    return origin.problem(_end_of(before), (), wrong)


def _end_of(text: str) -> Place:
    return text.count("\n"), len(text) - text.rfind("\n") - 1
