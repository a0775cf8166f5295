"""Every mistake that can be made in `vllm_endpoints`."""

import pytest

from config.flat_words import NAME, PORT, THREE, WEIGHT, endpoints, errors, gateway
from xds.config.gateway import (
    Endpoint,
)

ADDRESS = "write an IP address in quotes, such as 10.0.0.10"


ONE_ENDPOINT = "write a list of at least one endpoint"


def test_an_http_upstream_needs_no_word_but_may_have_one() -> None:
    served = gateway(
        endpoints(
            "{name: a, address: 10.0.0.1, port: 80, protocol: http, provider_profile: ''}",
        )
    )

    assert served.endpoints == (Endpoint("a", "10.0.0.1", 80),)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", f"1:16: vllm_endpoints: is empty; {ONE_ENDPOINT}"),
        (" []", f"1:17: vllm_endpoints: is an empty list; {ONE_ENDPOINT}"),
        (" {}", f"1:17: vllm_endpoints: is a mapping; {ONE_ENDPOINT}"),
        (" a", f'1:17: vllm_endpoints: is the string "a"; {ONE_ENDPOINT}'),
    ],
)
def test_endpoints_are_a_list(value: str, line: str) -> None:
    assert errors(f"vllm_endpoints:{value}\n") == [line]


def test_a_file_with_models_alone_lacks_endpoints() -> None:
    assert errors("model_config: {qwen3: {preferred_endpoints: [a]}}") == [
        f"1:1: vllm_endpoints: is missing; {ONE_ENDPOINT}",
        (
            '1:46: model_config.qwen3.preferred_endpoints[0]: there is no endpoint named "a"; '
            "known: none"
        ),
    ]


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        ("text", 'is the string "text"'),
        ("10.0.0.1", 'is the string "10.0.0.1"'),
        ("8000", "is the number 8000"),
        ("~", "is empty"),
        ("[a]", "is a list"),
        ("[]", "is an empty list"),
    ],
)
def test_an_endpoint_is_a_mapping(item: str, wrong: str) -> None:
    assert errors(endpoints(item)) == [f"2:5: vllm_endpoints[0]: {wrong}; write a mapping"]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("{address: 10.0.0.1, port: 80}", f"2:5: vllm_endpoints[0].name: is missing; {NAME}"),
        ("{name: a, port: 80}", f"2:5: vllm_endpoints[0].address: is missing; {ADDRESS}"),
        ("{name: a, address: 10.0.0.1}", f"2:5: vllm_endpoints[0].port: is missing; {PORT}"),
    ],
)
def test_an_endpoint_needs_a_name_an_address_and_a_port(item: str, line: str) -> None:
    assert errors(endpoints(item)) == [line]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("''", 'is the string ""'),
        ("", "is empty"),
        ("5", "is the number 5"),
        ("1.5", "is the number 1.5"),
        ("on", "is true"),
        ("[a]", "is a list"),
        ("{}", "is a mapping"),
    ],
)
def test_a_name_is_text(name: str, wrong: str) -> None:
    assert errors(endpoints(f"{{address: 10.0.0.1, port: 80, name: {name}}}")) == [
        f"2:41: vllm_endpoints[0].name: {wrong}; {NAME}"
    ]


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("", f"is empty; {ADDRESS}"),
        ("127", f"is the number 127; {ADDRESS}"),
        ("10.0", f"is the number 10.0; {ADDRESS}"),
        ("[10.0.0.1]", f"is a list; {ADDRESS}"),
        ("''", 'endpoint "a": the address is empty; write an IP address, such as 10.0.0.10'),
        (
            "10.0.0.10:8000",
            (
                'endpoint "a": "10.0.0.10:8000" has a port, 8000; '
                'write "10.0.0.10", and `port: 8000` on a line of its own'
            ),
        ),
        (
            "vllm.example.com",
            (
                'endpoint "a": "vllm.example.com" is a domain name; write its IP address, '
                "such as 10.0.0.10, or set `allow_domain_names: true` in the settings"
            ),
        ),
    ],
)
def test_an_address_is_an_ip_address(address: str, wrong: str) -> None:
    assert errors(endpoints(f"{{name: a, port: 80, address: {address}}}")) == [
        f"2:34: vllm_endpoints[0].address: {wrong}"
    ]


def test_an_address_with_several_faults_has_a_line_for_each() -> None:
    assert errors(endpoints("{name: a, port: 80, address: http://10.0.0.10:8000/v1}")) == [
        f'2:34: vllm_endpoints[0].address: endpoint "a": "http://10.0.0.10:8000/v1" {fault}'
        for fault in (
            'has a path, /v1; write "10.0.0.10" alone',
            'has a port, 8000; write "10.0.0.10", and `port: 8000` on a line of its own',
            'has a protocol prefix, http://; write "10.0.0.10" alone',
        )
    ]


@pytest.mark.parametrize(
    ("port", "wrong"),
    [
        ("0", "is the number 0"),
        ("-1", "is the number -1"),
        ("65536", "is the number 65536"),
        ("8000.0", "is the number 8000.0"),
        ("'8000'", 'is the string "8000"'),
        ("8000/tcp", 'is the string "8000/tcp"'),
        ("true", "is true"),
        ("", "is empty"),
        ("[8000]", "is a list"),
    ],
)
def test_a_port_is_a_whole_number(port: str, wrong: str) -> None:
    assert errors(endpoints(f"{{name: a, address: 10.0.0.1, port: {port}}}")) == [
        f"2:40: vllm_endpoints[0].port: {wrong}; {PORT}"
    ]


@pytest.mark.parametrize(
    ("weight", "wrong"),
    [
        ("-1", "is the number -1"),
        ("4294967296", "is the number 4294967296"),
        ("0.5", "is the number 0.5"),
        ("1e3", "is the number 1000.0"),
        (".nan", "is the number nan"),
        ("'3'", 'is the string "3"'),
        ("3x", 'is the string "3x"'),
        ("yes", "is true"),
        ("{}", "is a mapping"),
    ],
)
def test_a_weight_is_a_whole_number(weight: str, wrong: str) -> None:
    assert errors(endpoints(f"{{name: a, address: 10.0.0.1, port: 80, weight: {weight}}}")) == [
        f"2:52: vllm_endpoints[0].weight: {wrong}; {WEIGHT}"
    ]


def test_names_of_endpoints_are_unique() -> None:
    config = endpoints(
        "{name: a, address: 10.0.0.1, port: 80}",
        "{name: b, address: 10.0.0.1, port: 80}",
        "{name: a, address: 10.0.0.1, port: 80}",
        "{name: a, address: 10.0.0.1, port: 80}",
    )

    assert errors(config) == [
        f'{line}:12: vllm_endpoints[{line - 2}].name: there is already an endpoint named "a", '
        "in line 2; rename one of the two"
        for line in (4, 5)
    ]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            THREE + "model_configs: {}",
            '5:1: model_configs: is not a known key; did you mean "model_config"?',
        ),
        (
            THREE + "default_modle: qwen3",
            '5:1: default_modle: is not a known key; did you mean "default_model"?',
        ),
        (
            THREE + "vllm_endpoint: []",
            '5:1: vllm_endpoint: is not a known key; did you mean "vllm_endpoints"?',
        ),
        (
            endpoints("{name: a, address: 10.0.0.1, port: 80, wieght: 3}"),
            '2:44: vllm_endpoints[0].wieght: is not a known key; did you mean "weight"?',
        ),
        (
            endpoints("{name: a, address: 10.0.0.1, port: 80, Weight: 3}"),
            '2:44: vllm_endpoints[0].Weight: is not a known key; did you mean "weight"?',
        ),
        (
            THREE + "model_config: {qwen3: {prefered_endpoints: [spare]}}",
            (
                "5:24: model_config.qwen3.prefered_endpoints: is not a known key; "
                'did you mean "preferred_endpoints"?'
            ),
        ),
        (
            THREE + "model_config: {qwen3: {lora: [{name: sql}]}}",
            '5:24: model_config.qwen3.lora: is not a known key; did you mean "loras"?',
        ),
    ],
)
def test_keys_that_are_nearly_known_are_no_noise(config: str, line: str) -> None:
    assert errors(config) == [line]


def test_a_mistyped_key_is_told_beside_the_one_that_is_missing() -> None:
    assert errors(endpoints("{name: a, adress: 10.0.0.1, ports: 80}")) == [
        f"2:5: vllm_endpoints[0].address: is missing; {ADDRESS}",
        f"2:5: vllm_endpoints[0].port: is missing; {PORT}",
        '2:15: vllm_endpoints[0].adress: is not a known key; did you mean "address"?',
        '2:33: vllm_endpoints[0].ports: is not a known key; did you mean "port"?',
    ]


def test_of_an_endpoint_with_a_slip_in_it_that_is_told_alone() -> None:
    endpoints = "- {name: a, address: 10.0.0.1, port: 80, path: /api}\n"
    endpoints += "- {name: b, address: 10.0.0.2, port: 80, pathh: /api}\n"

    assert errors(f"vllm_endpoints:\n{endpoints}") == [
        '3:42: vllm_endpoints[1].pathh: is not a known key; did you mean "path"?'
    ]


def test_of_an_endpoint_with_a_profile_too() -> None:
    endpoints = "- {name: a, provider_profile: p}\n- {name: b, provider_profile: q, weigth: 0}\n"
    profiles = "{p: {base_url: 'http://a/x'}, q: {base_url: 'http://a/y'}}"

    assert errors(f"vllm_endpoints:\n{endpoints}provider_profiles: {profiles}\n") == [
        '3:34: vllm_endpoints[1].weigth: is not a known key; did you mean "weight"?'
    ]
