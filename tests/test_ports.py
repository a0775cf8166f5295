"""Addresses as people write them, and why one can not be listened on."""

import socket
from collections.abc import Iterator

import pytest

from xds.ports import HostPort, free_port, listen_failure


@pytest.fixture
def busy() -> Iterator[HostPort]:
    """Return an address at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield HostPort("127.0.0.1", server.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:18000", "127.0.0.1", 18000),
        ("localhost:0", "localhost", 0),
        ("xds.example.org:65535", "xds.example.org", 65535),
        ("[::1]:18000", "::1", 18000),
        ("[::]:0", "::", 0),
        ("0.0.0.0:1", "0.0.0.0", 1),  # noqa: S104
        ("[localhost]:80", "localhost", 80),
        ("host:0080", "host", 80),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert HostPort.parse(text) == HostPort(host, port)


NO_ADDRESS = "{!r} is no address; write host:port, such as 127.0.0.1:18000"
NO_BRACKETS = "{!r} has an IPv6 address without brackets; write [::1]:18000"
NO_PORT = "{!r} is no port; write a number from 0 to 65535"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *((text, NO_ADDRESS.format(text)) for text in ("", ":", "localhost", "18000")),
        *((text, NO_ADDRESS.format(text)) for text in (":18000", "[]:18000")),
        *((text, NO_BRACKETS.format(text)) for text in ("::1", "::1:18000", "fe80::1:2:3")),
        *(
            (f"host:{port}", NO_PORT.format(port))
            for port in ("", "x", "-1", "+1", "1.5", "0x50", "1e3", " 80", "80 ", "65536")
        ),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="; write ") as raised:
        HostPort.parse(text)

    assert str(raised.value) == told


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[::1]", id="brackets without a port"),
        pytest.param("http://host:80", id="a URL"),
        pytest.param("[::1:80", id="a bracket that does not close"),
    ],
)
def test_brackets_are_not_asked_for_where_they_are_not_what_is_missing(text: str) -> None:
    with pytest.raises(ValueError, match="; write ") as raised:
        HostPort.parse(text)

    assert "without brackets" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["[10.0.0.10:80", "10.0.0.10]:80", "host:\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_nobody_could_connect_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="; write "):
        HostPort.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:18000", "localhost:0", "[::1]:18000", "[::]:0"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(HostPort.parse(text)) == text


def test_a_port_in_use_is_told_in_the_words_of_the_system(busy: HostPort) -> None:
    assert listen_failure(busy) == "Address already in use"


def test_a_port_that_is_used_on_one_address_is_in_use_for_all(busy: HostPort) -> None:
    assert listen_failure(HostPort("0.0.0.0", busy.port)) == "Address already in use"  # noqa: S104


def test_a_free_port_can_be_listened_on_more_than_once() -> None:
    address = HostPort("127.0.0.1", free_port("127.0.0.1"))

    assert listen_failure(address) is None
    assert listen_failure(address) is None
    with socket.create_server((address.host, address.port)):
        assert listen_failure(address) == "Address already in use"
    assert listen_failure(address) is None


def test_the_connections_of_a_server_that_ended_are_no_obstacle() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = HostPort("127.0.0.1", server.getsockname()[1])
        with socket.create_connection((address.host, address.port)):
            served, _ = server.accept()
            # The side that closes first is the one that stays behind, in TIME_WAIT.
            served.close()

    assert listen_failure(address) is None


def test_port_zero_can_always_be_listened_on() -> None:
    assert listen_failure(HostPort("127.0.0.1", 0)) is None


def test_an_address_of_another_machine_can_not_be_listened_on() -> None:
    # Of the addresses that are kept for documentation: no machine has it.
    assert listen_failure(HostPort("203.0.113.7", 0)) == "Cannot assign requested address"


def test_a_host_name_that_nobody_has_can_not_be_listened_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    assert listen_failure(HostPort("no-such-host", 0)) == "Name or service not known"


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_a_host_name_that_can_be_none_can_not_be_listened_on(host: str) -> None:
    assert listen_failure(HostPort(host, 0))


def test_ipv6_ports_are_told_apart_too() -> None:
    address = HostPort("::1", free_port("::1"))

    assert listen_failure(address) is None
    with socket.create_server((address.host, address.port), family=socket.AF_INET6):
        assert listen_failure(address) == "Address already in use"


def test_a_free_port_is_one_that_nothing_listens_on() -> None:
    port = free_port("127.0.0.1")

    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
def test_a_free_port_goes_to_nobody_who_asks_for_any(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    port = free_port(host)

    # Who asks for any port gets one that could be had without SO_REUSEADDR.
    with socket.socket(family) as other, pytest.raises(OSError, match="Address already in use"):
        other.bind((host, port))
    with socket.create_server((host, port), family=family):
        pass
