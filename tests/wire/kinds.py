"""Values for every kind of field, and a message class that has them all; knows no encoder."""

import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_args, get_type_hints

import betterproto2
from betterproto2 import FieldMetadata, Message
from envoy_data_plane.google.protobuf import Duration, Empty, StringValue, Timestamp, UInt32Value
from hypothesis import strategies as st

import xds.translate.bootstrap
import xds.translate.static  # noqa: F401  so that all of translate is there to be walked

SCALARS: dict[str, tuple[Any, ...]] = {
    "bool": (False, True),
    "int32": (0, 1, 127, 128, -1, -(2**31), 2**31 - 1),
    "int64": (0, 16383, 16384, -1, -(2**63), 2**63 - 1),
    "uint32": (0, 1, 127, 128, 2**32 - 1),
    "uint64": (0, 1, 2**63, 2**64 - 1),
    "sint32": (0, 1, -1, 63, 64, -64, -65, -(2**31), 2**31 - 1),
    "sint64": (0, 1, -1, -(2**63), 2**63 - 1),
    "fixed32": (0, 1, 2**32 - 1),
    "fixed64": (0, 1, 2**64 - 1),
    "sfixed32": (0, -1, -(2**31), 2**31 - 1),
    "sfixed64": (0, -1, -(2**63), 2**63 - 1),
    "float": (0.0, 1.5, float("inf"), float("nan")),
    "double": (0.0, 0.1, float("-inf"), float("nan")),
    "string": ("", "a", "ä€😀", "x" * 127, "x" * 128, "x" * 20_000),
    "bytes": (b"", b"\x00", b"\xff" * 300),
}
_KEYS = [kind for kind in SCALARS if kind not in {"float", "double", "bytes"}]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRAPPED: dict[str, tuple[Any, ...]] = {
    "BoolValue": (False, True),
    "BytesValue": (b"", b"a"),
    "DoubleValue": (0.0, 0.1),
    "FloatValue": (0.0, 1.5),
    "StringValue": ("", "a"),
    "UInt32Value": (0, 1, 2**32 - 1),
    "UInt64Value": (0, 1, 2**64 - 1),
    "Duration": (timedelta(0), timedelta(milliseconds=250), timedelta(days=365, microseconds=1)),
    "Timestamp": (_EPOCH, _EPOCH - timedelta(microseconds=1), _EPOCH + timedelta(days=20_000)),
}


class Colour(betterproto2.Enum):
    NONE = 0
    RED = 1
    BLUE = 1000


class Declared:
    """Collects the fields of a message class."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, Any, Any]] = []

    def add(self, name: str, hint: Any, kind: str, **rest: Any) -> None:
        field = betterproto2.field(len(self.fields) + 1, kind, **rest)
        self.fields.append((name, hint, field))

    def add_all(self, name: str, hint: Any, kind: str, **rest: Any) -> None:
        """Add fields of one type: one by one, in a oneof, in a list, as the values of a map."""
        wrapper = {"unwrap": rest["unwrap"]} if "unwrap" in rest else {}
        of_map = betterproto2.map_meta(
            "string", kind, **{f"{name}_2": value for name, value in wrapper.items()}
        )
        self.add(name, hint | None, kind, optional=True, **wrapper)
        self.add(f"one_{name}", hint | None, kind, optional=True, group="one", **wrapper)
        self.add(f"many_{name}", list[hint], kind, repeated=True, **wrapper)
        self.add(f"by_name_{name}", dict[str, hint], "map", map_meta=of_map)


def _kinds() -> type[Message]:
    declared = Declared()
    for kind, (first, *_) in SCALARS.items():
        declared.add(f"plain_{kind}", type(first), kind)
        declared.add_all(f"a_{kind}", type(first), kind)
    for kind in _KEYS:
        metas = betterproto2.map_meta(kind, "string")
        declared.add(f"by_{kind}", dict[type(SCALARS[kind][0]), str], "map", map_meta=metas)  # type: ignore[misc]
    declared.add("plain_colour", Colour, "enum", default_factory=lambda: Colour(0))
    declared.add_all("colour", Colour, "enum")
    declared.add("plain_text", StringValue, "message")
    declared.add_all("empty", Empty, "message")
    declared.add_all("text", StringValue, "message")
    declared.add_all("weight", int, "message", unwrap=lambda: UInt32Value)
    declared.add_all("time", timedelta, "message", unwrap=lambda: Duration)
    declared.add_all("moment", datetime, "message", unwrap=lambda: Timestamp)
    return dataclasses.make_dataclass("Kinds", declared.fields, bases=(Message,), eq=False)


Kinds: Any = _kinds()


def message_classes() -> list[type[Message]]:
    """Return every class that is reachable from those that the translation uses."""
    waiting = [
        each
        for name, module in sorted(sys.modules.items())
        if name.startswith("xds.translate")
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Message) and each is not Message
    ]
    found: dict[type[Message], None] = {}
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found[cls] = None
            for hint in get_type_hints(cls).values():
                waiting += [
                    each
                    for each in (hint, *get_args(hint))
                    if isinstance(each, type) and issubclass(each, Message)
                ]
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


@cache
def metas(cls: type[Message]) -> dict[str, tuple[FieldMetadata, tuple[Any, ...]]]:
    """Return what betterproto knows of each field, and of which types its hint is made."""
    hints = get_type_hints(cls)
    return {
        field.name: (FieldMetadata.get(field), get_args(hints[field.name]) or (hints[field.name],))
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]  # every one is a dataclass
    }


def samples(meta: FieldMetadata, types: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the values of a field at which an encoder may go wrong."""
    if meta.map_meta:
        key, value = (
            list(_singles(each, cls)) for each, cls in zip(meta.map_meta, types, strict=True)
        )
        yield {}
        yield from ({each: value[-1]} for each in key)
        yield from ({key[-1]: each} for each in value)
        yield dict(zip(reversed(key), value, strict=False))
    elif meta.repeated:
        single = list(_singles(meta, types[0]))
        yield from ([], single, single[:1], single[:1] * 200)
    else:
        yield from _singles(meta, types[0])


def _singles(meta: FieldMetadata, cls: Any) -> Iterator[Any]:
    if meta.unwrap:
        yield from _WRAPPED[meta.unwrap().__name__]
    elif meta.proto_type == "message":
        yield cls()
        for name, (inner, _) in metas(cls).items():
            if inner.proto_type in SCALARS and not inner.repeated:
                yield cls(**{name: SCALARS[inner.proto_type][-1]})
                return
    elif meta.proto_type == "enum":
        yield from (*cls, cls(4711), cls(-1))
    else:
        yield from SCALARS[meta.proto_type]


_STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "float": st.floats(width=32),
    "double": st.floats(),
    "string": st.text(max_size=200),
    "bytes": st.binary(max_size=200),
    "Duration": st.timedeltas(),
    "Timestamp": st.datetimes(timezones=st.just(UTC)),
    "BoolValue": st.booleans(),
    "BytesValue": st.binary(),
    "DoubleValue": st.floats(),
    "FloatValue": st.floats(width=32),
    "StringValue": st.text(),
    "UInt32Value": st.integers(0, 2**32 - 1),
    "UInt64Value": st.integers(0, 2**64 - 1),
} | {
    kind: st.integers(min(values), max(values))
    for kind, values in SCALARS.items()
    if isinstance(values[-1], int) and kind != "bool"
}


@st.composite
def messages(draw: st.DrawFn, cls: Any, depth: int = 3) -> Message:
    """Draw a message of a class: a few of its fields, and theirs, but one of each oneof."""
    known = metas(cls)
    names = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=5)) if known else []
    by_oneof = {known[name][0].group or name: name for name in names}
    values = {name: draw(_values(*known[name], depth)) for name in by_oneof.values()}
    message: Message = cls(**values)
    return message


def _values(meta: FieldMetadata, types: tuple[Any, ...], depth: int) -> st.SearchStrategy[Any]:
    if meta.map_meta:
        singles = [_single(*each, depth) for each in zip(meta.map_meta, types, strict=True)]
        return st.dictionaries(*singles, max_size=3)
    single = _single(meta, types[0], depth)
    return st.lists(single, max_size=3) if meta.repeated else single


def _single(meta: FieldMetadata, cls: Any, depth: int) -> st.SearchStrategy[Any]:
    if meta.unwrap:
        return _STRATEGIES[meta.unwrap().__name__]
    if meta.proto_type == "message":
        return messages(cls, depth - 1) if depth else st.builds(cls)
    if meta.proto_type == "enum":
        return st.sampled_from([*cls, cls(4711), cls(-1)])
    return _STRATEGIES[meta.proto_type]
