"""Know what one text says of a server: host[:port][/path] or a URL, and what is wrong with it."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from xds.config.addresses import Parts, canonical, host_faults, is_ip, is_port, without_query
from xds.config.gateway import default_port

SCHEMES: Final = {"http://": False, "https://": True}
# Where the router expects OpenAI's API, and so does a client of the gateway.
_API: Final = "/v1"
# What ends a bare IPv6 address, and was rather meant for a port.
_LIKE_A_PORT: Final = re.compile(r"(?:80|443|[1-9][0-9]{3})\Z")
_PATH: Final = re.compile(r"[!-~]*\Z")


class Upstream(NamedTuple):
    """A server; `path` is what stands there for /v1, empty where that is /v1, too."""

    address: str
    port: int
    tls: bool
    path: str


def upstream(text: str, *, tls: bool = False) -> Upstream:
    """Return what a text without faults says; `tls` is for one without http:// or https://."""
    parts = Parts.of(text.strip())
    tls = SCHEMES.get(parts.scheme.lower(), tls)
    port = int(parts.port) if parts.port else default_port(tls=tls)
    return Upstream(canonical(parts.host), port, tls, api_path(parts.path))


def api_path(path: str) -> str:
    """Return a path as `Upstream.path` has it."""
    bare = path.rstrip("/")
    return "" if bare == _API else bare


def port_like_end(parts: Parts) -> tuple[str, str] | None:
    """Return an IPv6 address without brackets and the port that seems to follow, if any does."""
    host, _, port = parts.host.rpartition(":")
    if parts.has_brackets or ":" not in host or not _LIKE_A_PORT.match(port):
        return None
    return (host, port) if is_ip(parts.host) and is_ip(host) else None


def upstream_faults(text: str, *, url: bool = False) -> list[str]:
    """Return everything that is wrong with a text, each with the right form; [] if nothing.

    `url` tells that it must begin with http:// or https://.
    """
    parts = Parts.of(text.strip())
    if not parts.host:
        right = "https://api.example.com/v1" if url else "10.0.0.10:8000"
        return [f'"{parts.shown}" names no server; write one, such as {right}']
    return [*_scheme_faults(parts, url=url), *_faults(parts)]


def _scheme_faults(parts: Parts, *, url: bool) -> Iterator[str]:
    if parts.scheme.lower() in SCHEMES or not (parts.scheme or url):
        return
    wrong = f"begins with {parts.scheme}" if parts.scheme else "has no http:// or https://"
    yield f'"{parts.shown}" {wrong}; begin it with http:// or https://'


def _faults(parts: Parts) -> Iterator[str]:
    if parts.has_user:
        yield f'"{parts.shown}" has a user name; leave it out'
    if parts.port is not None and not is_port(parts.port):
        yield f'"{parts.shown}" has the port "{parts.port}"; write a number from 1 to 65535'
    yield from host_faults(parts.host, allow_domain_names=True)
    yield from path_faults(parts.path)


def path_faults(path: str) -> Iterator[str]:
    """Return what is wrong with the path of a server's API."""
    if "?" in path or "#" in path:
        yield f'the path "{without_query(path)}" has a query or a fragment; leave that out'
    elif "\\" in path or not _PATH.match(path):
        yield f'the path "{path}" has characters that no path has; write them as %20 and the like'
