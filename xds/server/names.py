"""Know the names that requests ask for, by their bytes: streams that ask for the same share a set.

With each ACK a client repeats all its names, so that most requests have names that are known.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final
from weakref import WeakValueDictionary

from xds.wire import discovery_pb2 as wire

_NAMES: Final = WeakValueDictionary[bytes, frozenset[str]]()
# The bytes of the latest: few names are read as quickly as recognised, and very many would be a
# burden to keep.
_LATEST: Final = deque[bytes](maxlen=8)
_WORTH_KEEPING: Final = range(64, 1 << 20)
_NOBODY: Final[frozenset[str]] = frozenset()
_VERSION_KEY, _NODE_KEY, _NAME_KEY = (
    bytes((wire.DiscoveryRequest.DESCRIPTOR.fields_by_name[name].number << 3 | 2,))
    for name in ("version_info", "node", "resource_names")
)


def shared(names: Sequence[str], *, will_come_again: bool = False) -> frozenset[str]:
    """Return names as a set, the very one that other streams have that ask for the same."""
    if not names:
        return _NOBODY
    written = wire.DiscoveryRequest(resource_names=names).SerializeToString()
    found = _NAMES.get(written)
    if found is None:
        found = _NAMES[written] = frozenset(names)
    if will_come_again and len(written) in _WORTH_KEEPING and written not in _LATEST:
        _LATEST.appendleft(written)
    return found


def recognised(message: bytes) -> tuple[frozenset[str], bytes]:
    """Return the names in a request, if they are among the latest, and the request without them.

    They are looked for where libraries write them, in the order of the fields' numbers:
    https://protobuf.dev/programming-guides/encoding/#order
    """
    begin = 0
    for key in (_VERSION_KEY, _NODE_KEY):
        if message.startswith(key, begin):
            begin = _end_of_field(message, begin + 1)
    # As it is now: a program may run servers in several threads.
    for written in tuple(_LATEST):
        end = begin + len(written)
        # Names that others begin with are not the ones that they share.
        if message.startswith(written, begin) and not message.startswith(_NAME_KEY, end):
            if known := _NAMES.get(written):
                return known, message[:begin] + message[end:]
            break
    return _NOBODY, message


def _end_of_field(message: bytes, begin: int) -> int:
    """Return where a field ends whose length begins there."""
    size = 0
    for number, byte in enumerate(message[begin : begin + 5]):
        size |= (byte & 0x7F) << 7 * number
        if byte < 0x80:  # noqa: PLR2004  the last byte of a varint
            return begin + number + 1 + size
    return len(message)
