"""Know what an endpoint's `address` may be, and what is wrong with one that is not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Self

_SCHEMES: Final = re.compile(r"(?:https?:(?://)?|[a-z][a-z0-9+.-]*://)+", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\[(?P<host>[^\]]*)\](?::(?P<port>.*))?\Z")
_END_OF_HOST: Final = re.compile(r"[/?#]")
_USER: Final = re.compile(r".*@", re.DOTALL)
_QUERY: Final = re.compile(r"([?#]).*", re.DOTALL)
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[^:]*):(?P<port>[^:]*)\Z")
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
# What ends in a number is an address, in one of its stranger forms: RFC 1123, section 2.1.
_LAST_LABEL: Final = re.compile(r"(?![0-9]+\Z|0[xX])")
_NUMBERS: Final = re.compile(r"[0-9.]+\Z")
_LONGEST_NAME: Final = 253
_HIGHEST_PORT: Final = 65535


def is_ip(address: str) -> bool:
    """Tell an IPv4 or IPv6 literal from everything else."""
    return _ip(address) is not None


def canonical(address: str) -> str:
    """Return the one spelling of an address that has no fault."""
    ip = _ip(address)
    return str(ip) if ip else address.lower().removesuffix(".")


def faults(address: str, *, allow_domain_names: bool) -> list[str]:
    """Return everything that is wrong with an address, each with the right form; [] if nothing."""
    text = address.strip()
    if not text:
        return ["the address is empty; write an IP address, such as 10.0.0.10"]
    parts = Parts.of(text)
    return [*_part_faults(parts), *host_faults(parts.host, allow_domain_names=allow_domain_names)]


@dataclass(frozen=True, slots=True)
class Parts:
    """An address taken for a URL: what belongs elsewhere, and the host that is meant."""

    shown: str
    scheme: str
    path: str
    has_user: bool
    has_brackets: bool
    host: str
    port: str | None

    @classmethod
    def of(cls, text: str) -> Self:
        """Take a text apart, however little of a URL it is."""
        scheme = match[0] if (match := _SCHEMES.match(text)) else ""
        rest = text.removeprefix(scheme)
        end = found.start() if (found := _END_OF_HOST.search(rest)) else len(rest)
        rest, path = rest[:end], rest[end:]
        _, at, rest = rest.rpartition("@")
        brackets = _BRACKETS.match(rest)
        match = brackets or _HOST_AND_PORT.match(rest)
        return cls(
            shown=without_query(_USER.sub(lambda _: f"{scheme}...@", text)),
            scheme=scheme,
            path=path,
            has_user=bool(at),
            has_brackets=brackets is not None,
            host=match["host"] if match else rest,
            port=match["port"] if match else None,
        )


def _part_faults(parts: Parts) -> Iterator[str]:
    bare = f'"{parts.host}"' if parts.host else "an IP address"
    if parts.scheme:
        yield f'"{parts.shown}" has a protocol prefix, {parts.scheme}; write {bare} alone'
    if parts.path:
        what = "path" if parts.path.startswith("/") else "query"
        yield f'"{parts.shown}" has a {what}, {without_query(parts.path)}; write {bare} alone'
    if parts.has_user:
        yield f'"{parts.shown}" has a user name; write {bare} alone'
    if parts.port is not None:
        port = parts.port
        line = f"`port: {port if is_port(port) else 8000}` on a line of its own"
        yield f'"{parts.shown}" has a port, {port or "an empty one"}; write {bare}, and {line}'
    elif parts.has_brackets:
        yield f'"{parts.shown}" has brackets; write {bare} without them'


def without_query(text: str) -> str:
    """Return a URL, or the end of one, as it may be shown: queries hold keys."""
    return _QUERY.sub(r"\1...", text)


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port."""
    return text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= _HIGHEST_PORT


def host_faults(host: str, *, allow_domain_names: bool) -> Iterator[str]:
    """Return what is wrong with a host by itself; nothing is, if it is empty."""
    if not host or is_ip(host):
        return
    if "%" in host and is_ip(host.partition("%")[0]):
        yield f'"{host}" has a zone, which Envoy does not know; write an address without one'
    elif _NUMBERS.match(host):
        right = "write four numbers from 0 to 255, such as 10.0.0.10"
        yield f'"{host}" is no IPv4 address; {right}'
    elif ":" in host:
        yield f'"{host}" is no IPv6 address; write one such as 2001:db8::1'
    elif not _is_domain_name(host):
        yield f'"{host}" is no IP address; write one such as 10.0.0.10 or 2001:db8::1'
    elif not allow_domain_names:
        right = "write its IP address, such as 10.0.0.10, or set `allow_domain_names: true`"
        yield f'"{host}" is a domain name; {right} in the settings'


# While one is read, it is asked for several times in a row.
@lru_cache(maxsize=1 << 10)
def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(found, IPv6Address) and found.scope_id else found


def _is_domain_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return (
        len(host) <= _LONGEST_NAME
        and all(_LABEL.match(label) for label in labels)
        and _LAST_LABEL.match(labels[-1]) is not None
    )
