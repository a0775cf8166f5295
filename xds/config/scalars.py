"""Know what a YAML scalar means: text, a number, true or false, or nothing.

YAML 1.1, as PyYAML and the router's Go library read it, except that times and dates stay text.
https://yaml.org/type/
"""

import re
from typing import Final

Scalar = str | int | float | bool | None

_TAG: Final = "tag:yaml.org,2002:"
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_FIRST_OF_NUMBER: Final = frozenset("-+.0123456789")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_BASED_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)0(?:x(?P<x>[0-9a-fA-F_]+)|b(?P<b>[01_]+)|o?(?P<o>[0-7_]+))\Z"
)
_BASES: Final = {"x": 16, "b": 2, "o": 8}
_FLOAT: Final = re.compile(
    r"[-+]?(?=[0-9_]*[.eE])(?:[0-9][0-9_]*\.?|\.[0-9])[0-9_]*(?:[eE][-+]?[0-9]+)?\Z"
)
_SPECIAL: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
# Longer than any number that means something here; Python refuses to write down much longer ones.
_LONGEST_NUMBER: Final = 100


class UnknownTagError(ValueError):
    """A tag that asks for something a configuration can not hold."""


def tagged(tag: str, text: str) -> Scalar:
    """Return what a scalar with a tag means.

    Raises UnknownTagError for a tag such as !!python/object.
    """
    name = tag.removeprefix(_TAG)
    if name in {"str", "!"}:
        return text
    value = plain(text)
    if not isinstance(value, _TYPES.get(name, ())):
        raise UnknownTagError(_refused(tag, known=name in _TYPES))
    return value


def check_tag(tag: str, name: str) -> None:
    """Make sure that a tag fits where it stands; raises UnknownTagError otherwise."""
    if tag not in {"!", _TAG + name}:
        raise UnknownTagError(_refused(tag, known=False))


def _refused(tag: str, *, known: bool) -> str:
    shown = tag.replace(_TAG, "!!")
    if known:
        # What it is instead is not told: it may be a key.
        return f"what stands here is no {shown}; leave the tag out"
    return f"the tag {shown} is not understood here; leave it out"


def plain(text: str) -> Scalar:  # noqa: PLR0911  a case each
    """Return what a scalar without quotes means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _FIRST_OF_NUMBER or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.match(text):
        return int(text.replace("_", ""))
    if based := _BASED_INTEGER.match(text):
        base = based.lastgroup or "o"
        return int(based["sign"] + based[base].replace("_", "") or "0", _BASES[base])
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    if _SPECIAL.match(text):
        return float(text.replace(".", "", 1))
    return text
