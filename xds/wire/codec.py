"""Know how envoy_data_plane's messages look on the wire.

`bytes(message)` makes the same bytes, but reads the message's class anew for every message; here,
what there is to know of a class is compiled into a function, once.
https://protobuf.dev/programming-guides/encoding/
"""

import struct
import weakref
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any, Final, Never, TypeVar, cast, get_args, get_type_hints

import betterproto2 as proto
from betterproto2 import FieldMetadata, Message
from envoy_data_plane.google import protobuf
from envoy_data_plane.message_pool import default_message_pool

_AnyMessage = TypeVar("_AnyMessage", bound=Message)
_Write = Callable[[Any], bytes]
# Name; what is left out (None: what is not there, and only that); writer; bit of its oneof, or 0.
_Field = tuple[str, object, _Write, int]

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
# Varints below this are one byte.
_SHORT: Final = 0x80
_BYTES: Final = tuple(bytes((byte,)) for byte in range(256))
# What a writer raises that is given something else than it writes.
_WRONG: Final = (AttributeError, OverflowError, TypeError, ValueError, struct.error)


def encode(message: Message) -> bytes:
    """Return the bytes of a message, the same as `bytes(message)`.

    Raises ValueError, which names message and field, for a value that is none of its field's type,
    and for two values in one oneof.
    """
    return _encoder(type(message))(message)


def pack(message: Message) -> protobuf.Any:
    """Return a message in an Any, the same as `Any.pack(message)`."""
    url = default_message_pool.type_to_url[type(message)]
    return protobuf.Any(type_url=url, value=encode(message))


def keep(message: _AnyMessage) -> _AnyMessage:
    """Return a message, whose bytes are kept from now on: it must not change any more.

    For a part of many messages, which each of them would else encode again.
    """
    kept = _Kept(message, _forget)
    kept.identity = id(message)
    kept.written = _delimited(encode(message))
    _KEPT[kept.identity] = kept
    return message


class _Kept(weakref.ref[Message]):
    """The bytes of a message behind their length, for as long as the message lives."""

    __slots__ = ("identity", "written")
    identity: int
    written: bytes


# By identity, as messages have no hash.
_KEPT: Final[dict[int, _Kept]] = {}


def _forget(kept: weakref.ref[Message]) -> None:
    del _KEPT[cast("_Kept", kept).identity]


@cache
def _encoder(cls: type[Message]) -> Callable[[Message], bytes]:
    compiled = tuple(_fields(cls))
    attributes = {"_unknown_fields", *(name for name, *_ in compiled)}

    def write(message: Message) -> bytes:
        values = message.__dict__
        parts = []
        name, seen = "", 0
        try:
            for name, default, field, oneof in compiled:
                value = values[name]
                if value is None if default is None else value == default:
                    continue
                if seen & oneof:
                    _refuse("its oneof has another value already")
                seen |= oneof
                parts.append(field(value))
        except _WRONG as error:
            text = f"{cls.__name__}.{name}: {error}"
            raise ValueError(text) from error
        if len(values) != len(attributes):
            text = f"{cls.__name__} has no field {', '.join(values.keys() - attributes)}"
            raise ValueError(text)
        parts.append(values["_unknown_fields"])
        return b"".join(parts)

    return write


def _fields(cls: type[Any]) -> Iterator[_Field]:
    hints = get_type_hints(cls)
    defaults = cls().__dict__
    oneofs: dict[str | None, int] = {None: 0}
    for field in fields(cls):
        meta = FieldMetadata.get(field)
        oneof = oneofs.setdefault(meta.group, 1 << len(oneofs))
        types = get_args(hints[field.name]) or (hints[field.name],)
        yield field.name, defaults[field.name], _field(meta, types), oneof


def _field(meta: FieldMetadata, types: tuple[type[Any], ...]) -> _Write:
    """Return the writer of a field with its key; `types` are what its type hint is made of."""
    if meta.map_meta:
        return _map(meta.number, meta.map_meta, types)
    write = _value(meta, types[0])
    if meta.repeated and meta.proto_type in proto.PACKED_TYPES:
        key = _key(meta.number, proto.TYPE_BYTES)
        return lambda values: key + _delimited(b"".join(map(write, _list(values))))
    key = _key(meta.number, meta.proto_type)
    if meta.repeated:
        return lambda values: b"".join([key + write(value) for value in _list(values)])
    return lambda value: key + write(value)


def _map(
    number: int, metas: tuple[FieldMetadata, FieldMetadata], types: tuple[type[Any], ...]
) -> _Write:
    key = _key(number, proto.TYPE_MAP)
    (name_key, value_key) = (_key(meta.number, meta.proto_type) for meta in metas)
    (write_name, write_value) = (_value(*each) for each in zip(metas, types, strict=True))

    def write(values: dict[Any, Any]) -> bytes:
        entries = [
            name_key + write_name(name) + value_key + write_value(value)
            for name, value in values.items()
        ]
        return b"".join([key + _delimited(entry) for entry in entries])

    return write


def _value(meta: FieldMetadata, cls: type[Any]) -> _Write:
    """Return the writer of one value of a field, without its key."""
    if meta.unwrap:
        return _wrapped(meta.unwrap())
    return _message(cls) if meta.proto_type == proto.TYPE_MESSAGE else _SCALARS[meta.proto_type]


def _message(cls: type[Message]) -> _Write:
    def write(message: Message) -> bytes:
        if not isinstance(message, cls):
            _refuse(f"{message!r} is no {cls.__name__}")
        kept = _KEPT.get(id(message))
        return kept.written if kept else _delimited(_encoder(type(message))(message))

    return write


def _wrapped(cls: type[Any]) -> _Write:
    """Return the writer of the plain value that stands for a message, such as a Duration."""

    # They are few, such as weights and timeouts, and wrapping one costs more than all the rest.
    @lru_cache(maxsize=1024)
    def write(value: object) -> bytes:
        return _delimited(encode(cls.from_wrapped(value)))

    return write


def _integer(lowest: int, highest: int) -> _Write:
    def write(value: int) -> bytes:
        if not lowest <= value <= highest:
            _refuse(f"{value} is not from {lowest} to {highest}")
        # A negative number is written as if it had 64 bits.
        return _varint(value if value >= 0 else value + (1 << 64))

    return write


def _zigzag(lowest: int, highest: int) -> _Write:
    write = _integer(0, highest - lowest)
    return lambda value: write(value << 1 if value >= 0 else ~(value << 1))


def _bool(value: object) -> bytes:
    if value is not True and value is not False:
        _refuse(f"{value!r} is neither True nor False")
    return _BYTES[value]


def _string(value: str) -> bytes:
    return _delimited(value.encode())


def _delimited(content: bytes) -> bytes:
    size = len(content)
    return (_BYTES[size] if size < _SHORT else _varint(size)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= _SHORT:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _key(number: int, kind: str) -> bytes:
    if kind in proto.WIRE_VARINT_TYPES:
        wire_type = _VARINT
    elif kind in proto.WIRE_FIXED_32_TYPES:
        wire_type = _FIXED32
    elif kind in proto.WIRE_FIXED_64_TYPES:
        wire_type = _FIXED64
    else:
        wire_type = _LENGTH
    return _varint(number << 3 | wire_type)


def _list(values: list[Any]) -> list[Any]:
    if not isinstance(values, list):
        _refuse(f"{values!r} is no list")
    return values


def _refuse(text: str) -> Never:
    raise TypeError(text)


_INT32: Final = (-(1 << 31), (1 << 31) - 1)
_INT64: Final = (-(1 << 63), (1 << 63) - 1)
_SCALARS: Final[dict[str, _Write]] = {
    proto.TYPE_BOOL: _bool,
    proto.TYPE_ENUM: _integer(*_INT32),
    proto.TYPE_INT32: _integer(*_INT32),
    proto.TYPE_INT64: _integer(*_INT64),
    proto.TYPE_UINT32: _integer(0, (1 << 32) - 1),
    proto.TYPE_UINT64: _integer(0, (1 << 64) - 1),
    proto.TYPE_SINT32: _zigzag(*_INT32),
    proto.TYPE_SINT64: _zigzag(*_INT64),
    proto.TYPE_FIXED32: struct.Struct("<I").pack,
    proto.TYPE_FIXED64: struct.Struct("<Q").pack,
    proto.TYPE_SFIXED32: struct.Struct("<i").pack,
    proto.TYPE_SFIXED64: struct.Struct("<q").pack,
    proto.TYPE_FLOAT: struct.Struct("<f").pack,
    proto.TYPE_DOUBLE: struct.Struct("<d").pack,
    proto.TYPE_STRING: _string,
    proto.TYPE_BYTES: _delimited,
}
