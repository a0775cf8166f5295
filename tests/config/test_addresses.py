"""What an endpoint's address may be, and every fault of one that is not."""

import pytest

from xds.config.addresses import faults, is_ip

EMPTY = "the address is empty; write an IP address, such as 10.0.0.10"
LONGEST_LABEL = "a" * 63
LONGEST_NAME = f"{'a' * 61}." * 4 + "com12"
TOO_LONG_LABEL = f"a{LONGEST_LABEL}.example.com"
TOO_LONG_NAME = f"{LONGEST_NAME}3"


def domain_name(host: str) -> str:
    return (
        f'"{host}" is a domain name; write its IP address, such as 10.0.0.10, '
        "or set `allow_domain_names: true` in the settings"
    )


def no_ip(text: str) -> str:
    return f'"{text}" is no IP address; write one such as 10.0.0.10 or 2001:db8::1'


def no_ipv4(text: str) -> str:
    return f'"{text}" is no IPv4 address; write four numbers from 0 to 255, such as 10.0.0.10'


def no_ipv6(text: str) -> str:
    return f'"{text}" is no IPv6 address; write one such as 2001:db8::1'


def told(address: str, wrong: list[str]) -> list[str]:
    """Return what is expected, each with the address that a table's row does not repeat."""
    return [f'"{address}" {fault}' if fault.startswith("has a ") else fault for fault in wrong]


@pytest.mark.parametrize("allow_domain_names", [False, True])
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.10",
        "0.0.0.0",  # noqa: S104  an address like any other
        "255.255.255.255",
        " 10.0.0.10 ",
        "::1",
        "::",
        "2001:db8::1",
        "2001:DB8::1",
        "2001:db8:0:0:0:0:0:1",
        "::ffff:10.0.0.10",
        "fe80::1",
    ],
)
def test_ip_addresses_are_right(address: str, *, allow_domain_names: bool) -> None:
    assert faults(address, allow_domain_names=allow_domain_names) == []
    assert is_ip(address.strip())


@pytest.mark.parametrize(
    "name",
    [
        "vllm.example.com",
        "vllm.example.com.",
        "localhost",
        "llm-katan",
        "llm_katan",
        "vllm-svc.default.svc.cluster.local",
        "3com",
        "xn--mnchen-3ya.de",
        f"{LONGEST_LABEL}.com",
        LONGEST_NAME,
    ],
)
def test_domain_names_are_right_where_the_settings_allow_them(name: str) -> None:
    assert faults(name, allow_domain_names=True) == []
    assert faults(name, allow_domain_names=False) == [domain_name(name)]
    assert not is_ip(name)


@pytest.mark.parametrize(
    ("address", "host", "wrong"),
    [
        (
            "vllm.example.com:8000",
            "vllm.example.com",
            ['has a port, 8000; write "vllm.example.com", and `port: 8000` on a line of its own'],
        ),
        (
            "http://vllm.example.com",
            "vllm.example.com",
            ['has a protocol prefix, http://; write "vllm.example.com" alone'],
        ),
        (
            "vllm.example.com/v1",
            "vllm.example.com",
            ['has a path, /v1; write "vllm.example.com" alone'],
        ),
        (
            "https://llm:8443/v1",
            "llm",
            [
                'has a protocol prefix, https://; write "llm" alone',
                'has a path, /v1; write "llm" alone',
                'has a port, 8443; write "llm", and `port: 8443` on a line of its own',
            ],
        ),
        ("[llm]", "llm", ['"[llm]" has brackets; write "llm" without them']),
    ],
)
def test_what_surrounds_a_domain_name_is_wrong_in_any_case(
    address: str, host: str, wrong: list[str]
) -> None:
    expected = told(address, wrong)

    assert faults(address, allow_domain_names=True) == expected
    assert faults(address, allow_domain_names=False) == [*expected, domain_name(host)]


@pytest.mark.parametrize("allow_domain_names", [False, True])
@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("", [EMPTY]),
        ("  ", [EMPTY]),
        ("http://10.0.0.10", ['has a protocol prefix, http://; write "10.0.0.10" alone']),
        ("HTTP://10.0.0.10", ['has a protocol prefix, HTTP://; write "10.0.0.10" alone']),
        ("grpc+tls://::1", ['has a protocol prefix, grpc+tls://; write "::1" alone']),
        (
            "http://10.0.0.10:8000",
            [
                'has a protocol prefix, http://; write "10.0.0.10" alone',
                'has a port, 8000; write "10.0.0.10", and `port: 8000` on a line of its own',
            ],
        ),
        (
            "http://[2001:db8::1]:8000/v1/",
            [
                'has a protocol prefix, http://; write "2001:db8::1" alone',
                'has a path, /v1/; write "2001:db8::1" alone',
                'has a port, 8000; write "2001:db8::1", and `port: 8000` on a line of its own',
            ],
        ),
        (
            "10.0.0.10:8000",
            ['has a port, 8000; write "10.0.0.10", and `port: 8000` on a line of its own'],
        ),
        (
            "10.0.0.10:",
            ['has a port, an empty one; write "10.0.0.10", and `port: 8000` on a line of its own'],
        ),
        ("[::1]:80", ['has a port, 80; write "::1", and `port: 80` on a line of its own']),
        (
            "[10.0.0.10]:80",
            ['has a port, 80; write "10.0.0.10", and `port: 80` on a line of its own'],
        ),
        ("10.0.0.10/v1", ['has a path, /v1; write "10.0.0.10" alone']),
        ("10.0.0.10/", ['has a path, /; write "10.0.0.10" alone']),
        ("10.0.0.0/24", ['has a path, /24; write "10.0.0.0" alone']),
        ("2001:db8::/64", ['has a path, /64; write "2001:db8::" alone']),
        ("[::1]", ['"[::1]" has brackets; write "::1" without them']),
        ("[10.0.0.10]", ['"[10.0.0.10]" has brackets; write "10.0.0.10" without them']),
        (
            "[::1]/v1",
            [
                'has a path, /v1; write "::1" alone',
                '"[::1]/v1" has brackets; write "::1" without them',
            ],
        ),
        (
            "fe80::1%eth0",
            ["has a zone, which Envoy does not know; write an address without one"],
        ),
        ("256.0.0.1", [no_ipv4("256.0.0.1")]),
        ("10.0.0", [no_ipv4("10.0.0")]),
        ("10.0.0.1.2", [no_ipv4("10.0.0.1.2")]),
        ("10.0.0.010", [no_ipv4("10.0.0.010")]),
        ("10..0.1", [no_ipv4("10..0.1")]),
        ("8000", [no_ipv4("8000")]),
        (
            "256.0.0.1/v1",
            ['has a path, /v1; write "256.0.0.1" alone', no_ipv4("256.0.0.1")],
        ),
        ("::g", [no_ipv6("::g")]),
        ("1:2:3", [no_ipv6("1:2:3")]),
        ("2001:db8::1::2", [no_ipv6("2001:db8::1::2")]),
        ("[::1", [no_ipv6("[::1")]),
        ("10.0.0.1:80:90", [no_ipv6("10.0.0.1:80:90")]),
        ("ten dot zero", [no_ip("ten dot zero")]),
        ("10.0.0.1,10.0.0.2", [no_ip("10.0.0.1,10.0.0.2")]),
        (
            "10.0.0.1?key=secret",
            ['"10.0.0.1?..." has a query, ?...; write "10.0.0.1" alone'],
        ),
        ("*", [no_ip("*")]),
        ("-vllm.example.com", [no_ip("-vllm.example.com")]),
        ("vllm-.example.com", [no_ip("vllm-.example.com")]),
        ("vllm..example.com", [no_ip("vllm..example.com")]),
        ("münchen.de", [no_ip("münchen.de")]),
        ("\N{FULLWIDTH DIGIT ONE}0.0.0.1", [no_ip("\N{FULLWIDTH DIGIT ONE}0.0.0.1")]),
        pytest.param(TOO_LONG_LABEL, [no_ip(TOO_LONG_LABEL)], id="a label of 64 letters"),
        pytest.param(TOO_LONG_NAME, [no_ip(TOO_LONG_NAME)], id="a name of 254 letters"),
        ("http://", ["has a protocol prefix, http://; write an IP address alone"]),
        ("/v1", ["has a path, /v1; write an IP address alone"]),
        (
            ":80",
            ["has a port, 80; write an IP address, and `port: 80` on a line of its own"],
        ),
        ("[]", ['"[]" has brackets; write an IP address without them']),
    ],
)
def test_everything_else_is_told_with_the_right_form(
    address: str, wrong: list[str], *, allow_domain_names: bool
) -> None:
    assert faults(address, allow_domain_names=allow_domain_names) == told(address, wrong)


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        (
            "http://user:secret@10.0.0.1:8000",
            [
                '"http://...@10.0.0.1:8000" has a protocol prefix, http://; write "10.0.0.1" alone',
                '"http://...@10.0.0.1:8000" has a user name; write "10.0.0.1" alone',
                (
                    '"http://...@10.0.0.1:8000" has a port, 8000; write "10.0.0.1", '
                    "and `port: 8000` on a line of its own"
                ),
            ],
        ),
        ("http:10.0.0.1", ['"http:10.0.0.1" has a protocol prefix, http:; write "10.0.0.1" alone']),
        (
            "http://http://10.0.0.1",
            [
                (
                    '"http://http://10.0.0.1" has a protocol prefix, http://http://; '
                    'write "10.0.0.1" alone'
                )
            ],
        ),
        (
            "10.0.0.1:99999",
            [
                (
                    '"10.0.0.1:99999" has a port, 99999; write "10.0.0.1", '
                    "and `port: 8000` on a line of its own"
                )
            ],
        ),
        (
            "[::1]:x",
            ['"[::1]:x" has a port, x; write "::1", and `port: 8000` on a line of its own'],
        ),
        ("0x7f.0.0.1", [no_ip("0x7f.0.0.1")]),
    ],
)
def test_what_is_told_can_be_followed_and_gives_no_secret_away(
    address: str, wrong: list[str]
) -> None:
    assert faults(address, allow_domain_names=True) == wrong
