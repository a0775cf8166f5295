"""What `vllm_endpoints` and `model_config` mean, and every mistake in them."""

from datetime import timedelta

import pytest

from xds.config.gateway import (
    Endpoint,
    Gateway,
    HealthCheck,
    Listener,
    Model,
    Resilience,
    Retry,
    Routing,
    Timeout,
)
from xds.config.load import Source, load
from xds.config.problems import ConfigError

NAME = "write a name in quotes"
ADDRESS = "write an IP address in quotes, such as 10.0.0.10"
PORT = "write a whole number from 1 to 65535"
WEIGHT = "write a whole number from 1 to 4294967295, or 0 to drain the endpoint"
ONE_ENDPOINT = "write a list of at least one endpoint"
ENDPOINT_NAMES = "write a list of endpoint names"
ENDPOINT_NAME = "write the name of an endpoint in quotes"
MODELS = "write a mapping of model names"
LORAS = "write a list of mappings with a name"
NO_HTTPS = "asks for an https upstream, which is not served yet; take the endpoint out"
DRAINED = "are drained; give one of them a weight of 1 or more"
TOO_HEAVY = "add up to 4294967296; make that at most 4294967295"

THREE = """\
vllm_endpoints:
  - {name: gpu_cluster_a, address: 10.0.1.10, port: 8000}
  - {name: gpu_cluster_b, address: 10.0.2.10, port: 8000, weight: 3}
  - {name: spare, address: 10.0.3.10, port: 8000, weight: 0}
"""
A = Endpoint("gpu_cluster_a", "10.0.1.10", 8000)
B = Endpoint("gpu_cluster_b", "10.0.2.10", 8000, weight=3)
SPARE = Endpoint("spare", "10.0.3.10", 8000, weight=0)
PREFERRED = "model_config.qwen3.preferred_endpoints"
KNOWN = '"gpu_cluster_a", "gpu_cluster_b", "spare"'


def gateway(config: str, settings: str = "{}") -> Gateway:
    return load(Source("config.yaml", config.encode()), Source("settings.yaml", settings.encode()))


def errors(config: str, settings: str = "{}") -> list[str]:
    """Return the lines of the refusal, without the name of the file that each begins with."""
    with pytest.raises(ConfigError) as refused:
        gateway(config, settings)
    lines = str(refused.value).splitlines()
    assert all(line.startswith("config.yaml:") for line in lines)
    return [line.removeprefix("config.yaml:") for line in lines]


def endpoints(*items: str) -> str:
    """Return a file whose endpoints begin in line 2, column 5."""
    return "vllm_endpoints:\n" + "".join(f"  - {item}\n" for item in items)


def test_a_file_without_models_is_a_pool_of_all_endpoints() -> None:
    assert gateway(THREE) == Gateway(
        listeners=(Listener("http", "0.0.0.0", 8801),),  # noqa: S104  the gateway's default
        endpoints=(A, B, SPARE),
        models=(),
    )


def test_everything_a_file_says_about_routing_is_in_the_gateway() -> None:
    config = f"""\
{THREE}
model_config:
  "qwen3":
    reasoning_family: "qwen3"
    preferred_endpoints: ["gpu_cluster_b"]
    loras:
      - {{name: qwen3-sql, description: writes SQL}}
      - {{name: qwen3-law}}
  "llama":
    preferred_endpoints: [spare, gpu_cluster_a]
default_model: "llama"
"""

    assert gateway(config) == Gateway(
        listeners=(Listener("http", "0.0.0.0", 8801),),  # noqa: S104  the gateway's default
        endpoints=(A, B, SPARE),
        models=(
            Model("qwen3", (B,), loras=("qwen3-sql", "qwen3-law")),
            Model("llama", (SPARE, A)),
        ),
        default_model="llama",
    )


@pytest.mark.parametrize(
    ("item", "endpoint"),
    [
        ("{name: a, address: 172.28.0.20, port: 8002}", Endpoint("a", "172.28.0.20", 8002)),
        ("{name: a, address: '10.0.0.1', port: 1}", Endpoint("a", "10.0.0.1", 1)),
        ("{name: a, address: 10.0.0.1, port: 65535}", Endpoint("a", "10.0.0.1", 65535)),
        ("{name: a, address: ' 10.0.0.1 ', port: 80}", Endpoint("a", "10.0.0.1", 80)),
        ("{name: a, address: '2001:db8::1', port: 80}", Endpoint("a", "2001:db8::1", 80)),
        ("{name: '1', address: 10.0.0.1, port: 80}", Endpoint("1", "10.0.0.1", 80)),
        ("{name: a b, address: 10.0.0.1, port: 0x50}", Endpoint("a b", "10.0.0.1", 80)),
        (
            "{name: a, address: 10.0.0.1, port: 80, weight: 4294967295}",
            Endpoint("a", "10.0.0.1", 80, weight=4294967295),
        ),
    ],
)
def test_an_endpoint(item: str, endpoint: Endpoint) -> None:
    assert gateway(endpoints(item)).endpoints == (endpoint,)


def test_two_endpoints_may_share_an_address() -> None:
    config = endpoints("{name: a, address: '::1', port: 80}", "{name: b, address: '::1', port: 80}")

    assert [endpoint.name for endpoint in gateway(config).endpoints] == ["a", "b"]


def test_domain_names_are_endpoints_where_the_settings_allow_them() -> None:
    config = endpoints("{name: a, address: vllm.example.com, port: 8000}")

    assert gateway(config, "allow_domain_names: true").endpoints == (
        Endpoint("a", "vllm.example.com", 8000, is_ip=False),
    )


def test_settings_give_endpoints_a_priority_and_a_zone() -> None:
    served = gateway(
        THREE + "model_config: {qwen3: {preferred_endpoints: [spare, gpu_cluster_a]}}",
        "endpoints: {spare: {priority: 1, zone: dc2}, gpu_cluster_a: {zone: dc1}}",
    )
    a = Endpoint("gpu_cluster_a", "10.0.1.10", 8000, zone="dc1")
    spare = Endpoint("spare", "10.0.3.10", 8000, weight=0, priority=1, zone="dc2")

    assert served.endpoints == (a, B, spare)
    assert served.models[0].endpoints == (spare, a)


def test_settings_say_where_clients_connect_and_how_models_are_found() -> None:
    served = gateway(
        THREE,
        "listener: {address: '::', port: 80}\nrouting: {model_header: x-m, unknown_model: reject}",
    )

    assert served.listeners == (Listener("http", "::", 80),)
    assert served.routing == Routing(model_header="x-m", unknown_model="reject")


def test_models_override_the_default_resilience_at_every_depth() -> None:
    served = gateway(
        THREE + "model_config: {qwen3: {}, llama: {}}",
        """\
resilience:
  lb_policy: least_request
  timeout: {request: 60s, idle: 30s}
  retry: {attempts: 5}
models:
  llama:
    resilience:
      timeout: {request: 0s}
      health_check: {path: /health}
""",
    )
    default = Resilience(
        lb_policy="least_request",
        timeout=Timeout(request=timedelta(seconds=60), idle=timedelta(seconds=30)),
        retry=Retry(attempts=5),
    )

    assert served.resilience == default
    assert [model.resilience for model in served.models] == [
        default,
        Resilience(
            lb_policy="least_request",
            timeout=Timeout(request=timedelta(0), idle=timedelta(seconds=30)),
            retry=Retry(attempts=5),
            health_check=HealthCheck(path="/health"),
        ),
    ]


@pytest.mark.parametrize(
    "model", ["", "{}", "{preferred_endpoints: []}", "{loras: [], reasoning_family: qwen3}"]
)
def test_a_model_without_preferred_endpoints_is_served_by_all(model: str) -> None:
    served = gateway(THREE + f"model_config: {{qwen3: {model}}}")

    assert served.models == (Model("qwen3", (A, B, SPARE)),)


@pytest.mark.parametrize("models", ["", "model_config:", "model_config: {}"])
def test_a_file_may_name_no_models(models: str) -> None:
    assert gateway(THREE + models).models == ()


@pytest.mark.parametrize(
    ("default", "model"),
    [("llama", "llama"), ("qwen3", "qwen3"), ("qwen3-sql", "qwen3"), ("", None)],
)
def test_a_lora_as_the_default_stands_for_its_model(default: str, model: str | None) -> None:
    served = gateway(
        f"{THREE}model_config: {{llama: , qwen3: {{loras: [{{name: qwen3-sql}}]}}}}\n"
        f"default_model: {default}\n"
    )

    assert served.default_model == model


def test_keys_that_do_not_concern_routing_are_ignored() -> None:
    noise = """\
config_source: file
semantic_cache: {enabled: true, similarity_threshold: 0.8}
prompt_guard: {enabled: true, port: not a port}
classifier: [1, 2, 3]
categories: [{name: business, model_scores: [{model: nowhere, score: 0.7}]}]
reasoning_families: {qwen3: {type: chat_template_kwargs}}
observability: ~
listeners: [{name: http, address: nonsense, port: 0}]
"""
    models = "model_config: {qwen3: {pricing: {currency: USD}, pii_policy: {}, score: x}}\n"
    items = "{name: a, address: 10.0.0.1, port: 80, type: vllm, models: [x], api_key: k, note: n}"

    assert gateway(noise + endpoints(items) + models) == gateway(
        endpoints("{name: a, address: 10.0.0.1, port: 80}") + "model_config: {qwen3: {}}"
    )


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


@pytest.mark.parametrize("upstream", ["protocol: https", "provider_profile: openai"])
def test_https_upstreams_are_not_served_yet(upstream: str) -> None:
    config = endpoints(f"{{name: a, address: 10.0.0.1, port: 443, {upstream}}}")
    key, _, value = upstream.partition(": ")

    assert errors(config) == [
        f"2:{config.splitlines()[1].index(value) + 1}: vllm_endpoints[0].{key}: {NO_HTTPS}"
    ]


def test_an_endpoint_of_a_provider_has_neither_address_nor_port() -> None:
    assert errors(endpoints("{name: a, provider_profile: openai}")) == [
        f"2:33: vllm_endpoints[0].provider_profile: {NO_HTTPS}"
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


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("[]", f"5:15: model_config: is an empty list; {MODELS}"),
        ("[qwen3]", f"5:15: model_config: is a list; {MODELS}"),
        ("qwen3", f'5:15: model_config: is the string "qwen3"; {MODELS}'),
        ("{qwen3: []}", "5:23: model_config.qwen3: is an empty list; write a mapping"),
        ("{qwen3: spare}", '5:23: model_config.qwen3: is the string "spare"; write a mapping'),
        ("{'': {}}", '5:16: model_config[""]: is no name; write one, without control characters'),
    ],
)
def test_models_are_a_mapping_of_mappings(value: str, line: str) -> None:
    assert errors(f"{THREE}model_config: {value}") == [line]


@pytest.mark.parametrize(
    ("preferred", "line"),
    [
        ("spare", f'7:26: {PREFERRED}: is the string "spare"; {ENDPOINT_NAMES}'),
        ("{spare: 1}", f"7:26: {PREFERRED}: is a mapping; {ENDPOINT_NAMES}"),
        ("[5]", f"7:27: {PREFERRED}[0]: is the number 5; {ENDPOINT_NAME}"),
        ("[~]", f"7:27: {PREFERRED}[0]: is empty; {ENDPOINT_NAME}"),
        ("[[spare]]", f"7:27: {PREFERRED}[0]: is a list; {ENDPOINT_NAME}"),
        ("[spare, on]", f"7:34: {PREFERRED}[1]: is true; {ENDPOINT_NAME}"),
        ("[a]", f'7:27: {PREFERRED}[0]: there is no endpoint named "a"; known: {KNOWN}'),
        (
            "[gpu_clustr_b]",
            (
                f'7:27: {PREFERRED}[0]: there is no endpoint named "gpu_clustr_b"; '
                f'did you mean "gpu_cluster_b"? Known: {KNOWN}'
            ),
        ),
        (
            "[gpu_cluster_a, spare, gpu_cluster_a]",
            f'7:49: {PREFERRED}[2]: "gpu_cluster_a" stands here twice; keep it once',
        ),
    ],
)
def test_preferred_endpoints_are_names_of_endpoints(preferred: str, line: str) -> None:
    config = f"{THREE}model_config:\n  qwen3:\n    preferred_endpoints: {preferred}\n"

    assert errors(config) == [line]


def test_of_many_known_names_the_first_ten_are_told() -> None:
    many = endpoints(*(f"{{name: e{n}, address: 10.0.0.{n}, port: 80}}" for n in range(1, 13)))

    assert errors(many + "model_config: {qwen3: {preferred_endpoints: [other]}}") == [
        (
            f'14:46: {PREFERRED}[0]: there is no endpoint named "other"; known: "e1", "e2", "e3", '
            '"e4", "e5", "e6", "e7", "e8", "e9", "e10" and 2 more'
        )
    ]


def test_an_endpoint_with_a_mistake_is_known_all_the_same() -> None:
    config = endpoints("{name: a, address: 10.0.0.1, port: 0}")

    assert errors(config + "model_config: {qwen3: {preferred_endpoints: [a]}}") == [
        f"2:40: vllm_endpoints[0].port: is the number 0; {PORT}"
    ]


@pytest.mark.parametrize(
    ("loras", "line"),
    [
        ("sql", f'7:12: model_config.qwen3.loras: is the string "sql"; {LORAS}'),
        ("5", f"7:12: model_config.qwen3.loras: is the number 5; {LORAS}"),
        ("{name: sql}", f"7:12: model_config.qwen3.loras: is a mapping; {LORAS}"),
        ("[{}]", f"7:13: model_config.qwen3.loras[0].name: is missing; {NAME}"),
        ("[{name: ''}]", f'7:20: model_config.qwen3.loras[0].name: is the string ""; {NAME}'),
        ("[{name: 5}]", f"7:20: model_config.qwen3.loras[0].name: is the number 5; {NAME}"),
        ("[{name: a}, {name: }]", f"7:31: model_config.qwen3.loras[1].name: is empty; {NAME}"),
    ],
)
def test_loras_are_mappings_with_a_name(loras: str, line: str) -> None:
    assert errors(f"{THREE}model_config:\n  qwen3:\n    loras: {loras}\n") == [line]


@pytest.mark.parametrize(
    ("models", "place", "name", "line"),
    [
        ("  m: {loras: [{name: l}, {name: l}]}", "6:33: model_config.m.loras[1].name", "l", 6),
        ("  m: {loras: [{name: m}]}", "6:22: model_config.m.loras[0].name", "m", 6),
        ("  m: {loras: [{name: n}]}\n  n: {}", "6:22: model_config.m.loras[0].name", "n", 7),
        ("  m: {}\n  n: {loras: [{name: m}]}", "7:22: model_config.n.loras[0].name", "m", 6),
        (
            "  m: {loras: [{name: l}]}\n  n: {loras: [{name: l}]}",
            "7:22: model_config.n.loras[0].name",
            "l",
            6,
        ),
    ],
)
def test_names_of_models_and_loras_are_unique(
    models: str, place: str, name: str, line: int
) -> None:
    assert errors(f"{THREE}model_config:\n{models}\n") == [
        (
            f'{place}: there is already a model or LoRA named "{name}", in line {line}; '
            "rename one of the two"
        )
    ]


@pytest.mark.parametrize(
    ("default", "wrong"),
    [
        ("5", "is the number 5; write the name of a model in quotes"),
        ("[llama]", "is a list; write the name of a model in quotes"),
        ("x", 'there is no model named "x"; known: "sql", "qwen3", "llama"'),
        (
            "qwen",
            'there is no model named "qwen"; did you mean "qwen3"? Known: "sql", "qwen3", "llama"',
        ),
        (
            "Llama",
            'there is no model named "Llama"; did you mean "llama"? Known: "sql", "qwen3", "llama"',
        ),
        ("spare", 'there is no model named "spare"; known: "sql", "qwen3", "llama"'),
    ],
)
def test_the_default_model_is_a_model_or_a_lora(default: str, wrong: str) -> None:
    models = "model_config: {qwen3: {loras: [{name: sql}]}, llama: {}}\n"

    assert errors(f"{THREE}{models}default_model: {default}\n") == [f"6:16: default_model: {wrong}"]


def test_without_models_there_is_no_default_model() -> None:
    assert errors(THREE + "default_model: qwen3") == [
        '5:16: default_model: there is no model named "qwen3"; known: none'
    ]


IDLE = endpoints(
    "{name: a, address: 10.0.0.1, port: 80, weight: 0}",
    "{name: b, address: 10.0.0.2, port: 80, weight: 0}",
    "{name: c, address: 10.0.0.3, port: 80}",
)


def test_a_model_needs_an_endpoint_that_is_not_drained() -> None:
    config = IDLE + "model_config:\n  qwen3: {preferred_endpoints: [b, a]}\n  llama: {}\n"

    assert errors(config) == [f'6:32: {PREFERRED}: all endpoints of model "qwen3" {DRAINED}']


def test_the_gateway_needs_an_endpoint_that_is_not_drained() -> None:
    drained = endpoints("{name: a, address: 10.0.0.1, port: 80, weight: 0}")

    assert errors(drained) == [f"2:3: vllm_endpoints: all endpoints of the gateway {DRAINED}"]


HEAVY = endpoints(
    "{name: a, address: 10.0.0.1, port: 80, weight: 4294967295}",
    "{name: b, address: 10.0.0.2, port: 80}",
)


def test_the_weights_of_a_model_fit_into_32_bits() -> None:
    models = "model_config:\n  qwen3: {preferred_endpoints: [a, b]}\n  llama: {}\n"
    light = "model_config: {a: {preferred_endpoints: [a]}, b: {preferred_endpoints: [b]}}\n"

    assert errors(HEAVY + models.replace("llama: {}", "") + "default_model: qwen3") == [
        f'5:32: {PREFERRED}: the weights of model "qwen3" {TOO_HEAVY}'
    ]
    assert len(gateway(HEAVY + light + "default_model: a").models) == 2


def test_the_weights_of_the_gateway_fit_into_32_bits() -> None:
    assert errors(HEAVY) == [f"2:3: vllm_endpoints: the weights of the gateway {TOO_HEAVY}"]
    assert gateway(HEAVY.replace("4294967295", "4294967294")).endpoints[0].weight == 4294967294


def test_with_a_default_model_the_gateway_has_no_pool_of_its_own() -> None:
    drained = IDLE.replace("port: 80}", "port: 80, weight: 0}")
    light = "model_config: {m: {preferred_endpoints: [a]}}\ndefault_model: m\n"

    assert gateway(HEAVY + light).default_model == "m"
    assert errors(drained + "model_config: {m: {preferred_endpoints: [a]}}\ndefault_model: m") == [
        f'5:41: model_config.m.preferred_endpoints: all endpoints of model "m" {DRAINED}'
    ]


def test_pools_are_not_weighed_while_an_endpoint_in_them_has_a_mistake() -> None:
    config = endpoints(
        "{name: a, address: 10.0.0.1, port: 80, weight: 0}",
        "{name: b, address: 10.0.0.2, port: 80, weight: many}",
    )

    assert errors(config + "model_config: {m: {}}") == [
        f'3:52: vllm_endpoints[1].weight: is the string "many"; {WEIGHT}'
    ]


def test_every_mistake_is_told_at_once_sorted_by_line() -> None:
    config = """\
default_model: qwen
model_config:
  qwen3:
    preferred_endpoints: [a, c]
    loras: [{name: llama}]
  llama: {lora: []}
vllm_endpoints:
  - name: a
    address: http://vllm.example.com
    port: 80
  - name: a
    address: 10.0.0.1
    weight: -1
  - 8000
"""

    assert errors(config) == [
        (
            '1:16: default_model: there is no model named "qwen"; did you mean "qwen3"? '
            'Known: "llama", "qwen3"'
        ),
        f'4:30: {PREFERRED}[1]: there is no endpoint named "c"; known: "a"',
        (
            "5:20: model_config.qwen3.loras[0].name: there is already a model or LoRA "
            'named "llama", in line 6; rename one of the two'
        ),
        '6:11: model_config.llama.lora: is not a known key; did you mean "loras"?',
        (
            '9:14: vllm_endpoints[0].address: endpoint "a": "http://vllm.example.com" '
            'has a protocol prefix, http://; write "vllm.example.com" alone'
        ),
        (
            '9:14: vllm_endpoints[0].address: endpoint "a": "vllm.example.com" is a domain name; '
            "write its IP address, such as 10.0.0.10, or set `allow_domain_names: true` "
            "in the settings"
        ),
        f"11:5: vllm_endpoints[1].port: is missing; {PORT}",
        (
            '11:11: vllm_endpoints[1].name: there is already an endpoint named "a", in line 8; '
            "rename one of the two"
        ),
        f"13:13: vllm_endpoints[1].weight: is the number -1; {WEIGHT}",
        "14:5: vllm_endpoints[2]: is the number 8000; write a mapping",
    ]


def test_mistakes_behind_an_alias_are_told_where_the_alias_stands() -> None:
    config = "x: &x {name: a, address: 10.0.0.1, port: 0}\n" + endpoints("*x", "{<<: *x, name: b}")

    assert errors(config) == [
        f"3:5: vllm_endpoints[0].port: is the number 0; {PORT}",
        f"4:5: vllm_endpoints[1].port: is the number 0; {PORT}",
    ]


def test_a_model_may_have_any_name() -> None:
    config = THREE + "model_config: {3.50: {}, on: {}, org/model:7b@v1: {}, 'a b': {}}"

    assert [model.name for model in gateway(config).models] == [
        "3.50",
        "on",
        "org/model:7b@v1",
        "a b",
    ]


MISTAKES = """\
vllm_endpoints:
- {name: a, address: 10.0.0.1, port: 1, protocol: HTTPS}
- {name: b, address: 10.0.0.1, port: 1, protocol: grpc}
- {name: c, address: 10.0.0.1, port: 1, WEIGHT: 3}
- {nmae: d, address: 10.0.0.300, port: 1}
- {name: "e\\nf\\e[31m", address: 10.0.0.1, port: 1}
model_config:
  m: {preferred_endpoints: [""], loras: [x]}
"""


def test_each_mistake_is_told_once_and_in_words_that_fit() -> None:
    with pytest.raises(ConfigError) as raised:
        load(Source("config.yaml", MISTAKES.encode()))

    assert str(raised.value).splitlines() == [
        (
            "config.yaml:2:51: vllm_endpoints[0].protocol: asks for an https upstream, "
            "which is not served yet; take the endpoint out"
        ),
        'config.yaml:3:51: vllm_endpoints[1].protocol: is the string "grpc"; write http',
        'config.yaml:4:41: vllm_endpoints[2].WEIGHT: is not a known key; did you mean "weight"?',
        "config.yaml:5:3: vllm_endpoints[3].name: is missing; write a name in quotes",
        'config.yaml:5:4: vllm_endpoints[3].nmae: is not a known key; did you mean "name"?',
        (
            'config.yaml:5:22: vllm_endpoints[3].address: "10.0.0.300" is no IPv4 address; '
            "write four numbers from 0 to 255, such as 10.0.0.10"
        ),
        (
            'config.yaml:6:10: vllm_endpoints[4].name: is the string "e\\nf\\x1b[31m"; '
            "write a name in quotes"
        ),
        (
            'config.yaml:8:29: model_config.m.preferred_endpoints[0]: is the string ""; '
            "write the name of an endpoint in quotes"
        ),
        'config.yaml:8:42: model_config.m.loras[0]: is the string "x"; write a mapping',
    ]


def test_many_misspelt_names_among_many_are_told_too() -> None:
    names = [f"endpoint-{number}" for number in range(2000)]
    text = "vllm_endpoints:\n" + "".join(
        f"- {{name: {name}, address: 10.0.0.1, port: {number + 1}}}\n"
        for number, name in enumerate(names)
    )
    wrong = ", ".join(f"endpiont-{number}" for number in range(300))
    with pytest.raises(ConfigError) as raised:
        load(
            Source(
                "config.yaml",
                f"{text}model_config: {{m: {{preferred_endpoints: [{wrong}]}}}}".encode(),
            )
        )

    assert len(raised.value.problems) == 300
    assert all("did you mean" in problem.text for problem in raised.value.problems)


def test_keys_with_nothing_behind_them_are_left_out() -> None:
    text = """\
vllm_endpoints:
- {name: a, address: 10.0.0.1, port: 1, weight: }
model_config:
  m: {preferred_endpoints: , loras: }
default_model:
"""
    gateway = load(Source("config.yaml", text.encode()))

    assert [endpoint.weight for endpoint in gateway.endpoints] == [1]
    assert [(model.endpoints, model.loras) for model in gateway.models] == [(gateway.endpoints, ())]
    assert gateway.default_model is None


def test_one_address_has_one_spelling() -> None:
    text = "vllm_endpoints:\n- {name: a, address: '0:0:0:0:0:0:0:1', port: 1}\n"
    text += "- {name: b, address: '::1', port: 1}\n"

    assert [each.address for each in load(Source("c", text.encode())).endpoints] == ["::1", "::1"]
