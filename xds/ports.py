"""Know `host:port` addresses, and why one can not be listened on."""

import re
import socket
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address, ip_address
from typing import Final, Self

_HIGHEST: Final = 65535
_ADDRESS: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>[^:]*)\Z")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A TCP address; IPv6 hosts are held without their brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port` or `[IPv6]:port`.

        Raises ValueError, whose text says what is wrong and what would be right.
        """
        match = _ADDRESS.match(text)
        if match is None:
            wrong = "has an IPv6 address without brackets" if _is_ipv6(text) else "is no address"
            right = "[::1]:18000" if _is_ipv6(text) else "host:port, such as 127.0.0.1:18000"
            message = f"{text!r} {wrong}; write {right}"
            raise ValueError(message)
        port = match["port"]
        if not (port.isascii() and port.isdecimal()) or int(port[:6]) > _HIGHEST:
            message = f"{port!r} is no port; write a number from 0 to {_HIGHEST}"
            raise ValueError(message)
        return cls(match["ipv6"] or match["host"], int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine itself can connect."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_ipv6(text: str) -> bool:
    """Tell whether a text is an IPv6 address, alone or with a port behind it."""
    for part in (text, text.rpartition(":")[0]):
        try:
            IPv6Address(part)
        except AddressValueError:
            continue
        return True
    return False


def listen_failure(address: HostPort) -> str | None:
    """Return why nothing can listen on an address now, or None if it can be listened on."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        return error.strerror
    except UnicodeError:
        return "Name or service not known"
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do, so that connections of an earlier one in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
            probe.listen(1)
        except OSError as error:
            return error.strerror
    return None


def free_port(host: str) -> int:
    """Return a port of this machine on which nothing listens, for who asks for it by number.

    For a minute, the system hands it to nobody who asks for any port, neither to listen nor to
    connect: a connection of it is left behind in TIME_WAIT, which is no obstacle to a server.
    https://www.rfc-editor.org/rfc/rfc9293#section-3.6.1
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        where = server.getsockname()[:2]
        with socket.create_connection(where):
            served, _ = server.accept()
            # The side that closes first is the one that stays behind.
            served.close()
    port: int = where[1]
    return port
