"""What v0.2 added to the flat form: https, providers, paths, and endpoints made for one model."""

import pytest

from config.flat_words import endpoints, errors, gateway
from xds.config.gateway import Endpoint, UpstreamTls
from xds.config.load import Source, load

PROFILES = """\
provider_profiles:
  cloud: {type: openai, base_url: "https://api.example.com/v1", auth_header: x, chat_path: /chat}
  local: {base_url: "http://[2001:db8::1]:8080/openai/"}
"""


@pytest.mark.parametrize(
    ("item", "endpoint"),
    [
        (
            "{name: a, address: 10.0.0.1, port: 443, protocol: https}",
            Endpoint("a", "10.0.0.1", 443, tls=True),
        ),
        (
            "{name: a, address: 10.0.0.1, port: 443, protocol: HTTPS}",
            Endpoint("a", "10.0.0.1", 443, tls=True),
        ),
        (
            "{name: a, address: 10.0.0.1, port: 80, protocol: }",
            Endpoint("a", "10.0.0.1", 80),
        ),
        (
            "{name: a, address: 10.0.0.1, port: 80, path: /compatible-mode/v1/}",
            Endpoint("a", "10.0.0.1", 80, path="/compatible-mode/v1"),
        ),
        ("{name: a, address: 10.0.0.1, port: 80, path: /v1}", Endpoint("a", "10.0.0.1", 80)),
        (
            "{name: a, provider_profile: cloud, weight: 3, type: openai, api_key: sk-1}",
            Endpoint("a", "api.example.com", 443, weight=3, tls=True),
        ),
        (
            "{name: a, provider_profile: local}",
            Endpoint("a", "2001:db8::1", 8080, path="/openai"),
        ),
    ],
)
def test_an_endpoint_may_be_a_server_of_another_kind(item: str, endpoint: Endpoint) -> None:
    assert gateway(endpoints(item) + PROFILES).endpoints == (endpoint,)


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (
            "{name: a, address: 10.0.0.1, port: 80, protocol: grpc}",
            '2:54: vllm_endpoints[0].protocol: is the string "grpc"; write http or https',
        ),
        (
            "{name: a, address: 10.0.0.1, port: 80, path: v1}",
            '2:50: vllm_endpoints[0].path: is the string "v1"; write a path, such as /v1',
        ),
        (
            "{name: a, address: 10.0.0.1, port: 80, path: '/v2?x=1'}",
            (
                '2:50: vllm_endpoints[0].path: the path "/v2?..." has a query or a fragment; '
                "leave that out"
            ),
        ),
        (
            "{name: a, provider_profile: clud}",
            (
                "2:33: vllm_endpoints[0].provider_profile: there is no provider profile named "
                '"clud"; did you mean "cloud"? Known: "cloud", "local"'
            ),
        ),
        (
            "{provider_profile: cloud}",
            "2:5: vllm_endpoints[0].name: is missing; write a name in quotes",
        ),
        (
            "{name: a, provider_profile: cloud, weight: -1}",
            (
                "2:48: vllm_endpoints[0].weight: is the number -1; write a whole number from 1 to "
                "4294967295, or 0 to drain the endpoint"
            ),
        ),
    ],
)
def test_mistakes_in_such_an_endpoint(item: str, line: str) -> None:
    assert errors(endpoints(item) + PROFILES) == [line]


@pytest.mark.parametrize(
    ("profile", "place", "wrong"),
    [
        ("~", "4:6: provider_profiles.p", "is empty; write a mapping"),
        (
            "{}",
            "4:6: provider_profiles.p.base_url",
            "is missing; write a URL, such as https://api.example.com/v1",
        ),
        (
            "{base_url: 5}",
            "4:17: provider_profiles.p.base_url",
            "is the number 5; write a URL, such as https://api.example.com/v1",
        ),
        (
            "{base_url: api.example.com}",
            "4:17: provider_profiles.p.base_url",
            '"api.example.com" has no http:// or https://; begin it with http:// or https://',
        ),
        (
            "{base_url: 'https://me:pass@api.example.com/v1'}",
            "4:17: provider_profiles.p.base_url",
            '"https://...@api.example.com/v1" has a user name; leave it out',
        ),
        (
            "{bas_url: 'https://api.example.com', base_url: 'https://api.example.com'}",
            "4:7: provider_profiles.p.bas_url",
            'is not a known key; did you mean "base_url"?',
        ),
    ],
)
def test_mistakes_in_a_profile_are_told_once_and_where_it_stands(
    profile: str, place: str, wrong: str
) -> None:
    config = endpoints("{name: a, provider_profile: p}") + f"provider_profiles:\n  p: {profile}\n"

    assert errors(config) == [f"{place}: {wrong}"]


def test_profiles_are_a_mapping() -> None:
    config = endpoints("{name: a, address: 10.0.0.1, port: 80}") + "provider_profiles: []\n"

    assert errors(config) == [
        "3:20: provider_profiles: is an empty list; write a mapping of provider profiles"
    ]


def test_an_address_beside_a_profile_is_told_to_be_of_no_use() -> None:
    config = endpoints("{name: a, provider_profile: cloud, address: 10.0.0.1, port: 80}") + PROFILES
    warnings = load(Source("config.yaml", config.encode())).warnings

    assert [str(warning) for warning in warnings] == [
        (
            f"config.yaml:2:{column}: warning: vllm_endpoints[0].{key}: is not used: "
            "`provider_profile` says where the endpoint is; leave it out"
        )
        for key, column in (("address", 40), ("port", 59))
    ]


def test_endpoints_that_name_a_model_are_made_for_it_alone() -> None:
    served = gateway(
        endpoints(
            "{name: m_a, address: 10.0.0.1, port: 80, model: m}",
            "{name: n_a, address: 10.0.0.2, port: 80, model: n}",
            "{name: m_b, address: 10.0.0.3, port: 80, model: m}",
        )
        + "model_config: {m: {}, n: {}, o: {}, p: {preferred_endpoints: [n_a]}}\n"
    )

    assert {
        model.name: [endpoint.name for endpoint in model.endpoints] for model in served.models
    } == {"m": ["m_a", "m_b"], "n": ["n_a"], "o": ["m_a", "n_a", "m_b"], "p": ["n_a"]}


def test_the_endpoints_of_a_model_have_one_path() -> None:
    config = endpoints(
        "{name: a, address: 10.0.0.1, port: 80}",
        "{name: b, address: 10.0.0.2, port: 80, path: /v2}",
    )
    models = "model_config: {m: {preferred_endpoints: [a, b]}, n: {preferred_endpoints: [a]}}\n"

    assert errors(f"{config}{models}default_model: n") == [
        (
            '4:41: model_config.m.preferred_endpoints: the endpoints of model "m" have different '
            'paths, "/v1", "/v2"; write one path, or make two models of them'
        )
    ]
    assert errors(config) == [
        (
            "2:3: vllm_endpoints: the endpoints of the gateway have different paths, "
            '"/v1", "/v2"; set `default_model`, which takes the requests without a model'
        )
    ]


def test_the_settings_say_who_signs_the_certificates() -> None:
    config = endpoints("{name: a, address: 10.0.0.1, port: 443, protocol: https}")

    assert gateway(config, "upstream_tls: {ca_file: /ca.pem}").upstream_tls == UpstreamTls(
        ca_file="/ca.pem"
    )


def test_secrets_are_neither_kept_nor_told() -> None:
    config = (
        endpoints("{name: a, address: 10.0.0.1, port: 80, api_key: sk-1}")
        + "model_config: {m: {access_key: sk-2}}\n"
    )

    assert "sk-" not in repr(load(Source("config.yaml", config.encode())))


def test_a_profile_that_no_endpoint_uses_needs_no_server() -> None:
    unused = "  unused: {type: anthropic}\n  empty: {base_url: ''}\n"
    config = endpoints("{name: a, provider_profile: cloud}") + PROFILES

    assert gateway(config + unused) == gateway(config)


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (
            "model_config: {qwen3: {}, llama: {}}\n",
            [
                (
                    "config.yaml:2:51: warning: vllm_endpoints[0].model: there is no model named "
                    '"qwen"; did you mean "qwen3"? Known: "qwen3", "llama"'
                )
            ],
        ),
        ("model_config: {qwen: {}}\n", []),
        ("model_config: {}\n", []),
        ("", []),
    ],
)
def test_an_endpoint_made_for_a_model_that_is_none_is_warned_of(
    models: str, told: list[str]
) -> None:
    config = endpoints("{name: a, address: 10.0.0.1, port: 80, model: qwen}") + models

    assert [str(each) for each in load(Source("config.yaml", config.encode())).warnings] == told
