"""Know what an endpoint's `address` may be, and what is wrong with one that is not."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_BRACKETS: Final = re.compile(r"\[(?P<host>[^\]]*)\](?::(?P<port>\d+))?\Z")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[^:]*):(?P<port>[^:]*)\Z")
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_NUMBERS: Final = re.compile(r"[0-9.]+\Z")
_LONGEST_NAME: Final = 253


def is_ip(address: str) -> bool:
    """Tell an IPv4 or IPv6 literal from everything else."""
    return _ip(address) is not None


def faults(address: str, *, allow_domain_names: bool) -> list[str]:
    """Return everything that is wrong with an address, each with the right form; [] if nothing."""
    return list(_faults(address.strip(), allow_domain_names=allow_domain_names))


def _faults(address: str, *, allow_domain_names: bool) -> Iterator[str]:
    if not address:
        yield "the address is empty; write an IP address, such as 10.0.0.10"
        return
    rest = address
    if scheme := _SCHEME.match(rest):
        rest = rest[scheme.end() :]
        bare = _bare(rest)
        yield f'"{address}" has a protocol prefix, {scheme[0]}; write {bare} alone'
    host, slash, path = rest.partition("/")
    if slash:
        yield f'"{address}" has a path, /{path}; write {_bare(host)} alone'
    host, port = _split(host)
    if port is not None:
        right = f"write {_shown(host)}, and `port: {port or 8000}` on a line of its own"
        yield f'"{address}" has a port, {port or "an empty one"}; {right}'
    elif host != rest.partition("/")[0]:
        yield f'"{address}" has brackets; write {_shown(host)} without them'
    yield from _host_faults(host, allow_domain_names=allow_domain_names)


def _host_faults(host: str, *, allow_domain_names: bool) -> Iterator[str]:
    if is_ip(host):
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


def _bare(rest: str) -> str:
    return _shown(_split(rest.partition("/")[0])[0])


def _shown(host: str) -> str:
    return f'"{host}"' if host else "an IP address"


def _split(text: str) -> tuple[str, str | None]:
    """Return a host without brackets, and the port behind it if there is one."""
    if match := _BRACKETS.match(text) or _HOST_AND_PORT.match(text):
        return match["host"], match["port"]
    return text, None


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(found, IPv6Address) and found.scope_id else found


def _is_domain_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_NAME and all(_LABEL.match(label) for label in labels)
