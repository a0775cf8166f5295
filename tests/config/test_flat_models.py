"""Every mistake that can be made in `model_config` and `default_model`, and several at once."""

import pytest

from config.flat_words import NAME, PORT, THREE, WEIGHT, endpoints, errors, gateway
from xds.config.load import Source, load
from xds.config.problems import ConfigError

ENDPOINT_NAMES = "write a list of endpoint names"


ENDPOINT_NAME = "write the name of an endpoint in quotes"


MODELS = "write a mapping of model names"


LORAS = "write a list of mappings with a name"


DRAINED = "are drained; give one of them a weight of 1 or more"


TOO_HEAVY = "add up to 4294967296; make that at most 4294967295"


PREFERRED = "model_config.qwen3.preferred_endpoints"


KNOWN = '"gpu_cluster_a", "gpu_cluster_b", "spare"'


IDLE = endpoints(
    "{name: a, address: 10.0.0.1, port: 80, weight: 0}",
    "{name: b, address: 10.0.0.2, port: 80, weight: 0}",
    "{name: c, address: 10.0.0.3, port: 80}",
)


HEAVY = endpoints(
    "{name: a, address: 10.0.0.1, port: 80, weight: 4294967295}",
    "{name: b, address: 10.0.0.2, port: 80}",
)


MISTAKES = """\
vllm_endpoints:
- {name: a, address: 10.0.0.1, port: 1, protocol: ftp}
- {name: b, address: 10.0.0.1, port: 1, protocol: grpc}
- {name: c, address: 10.0.0.1, port: 1, WEIGHT: 3}
- {nmae: d, address: 10.0.0.300, port: 1}
- {name: "e\\nf\\e[31m", address: 10.0.0.1, port: 1}
model_config:
  m: {preferred_endpoints: [""], loras: [x]}
"""


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


def test_a_model_needs_an_endpoint_that_is_not_drained() -> None:
    config = IDLE + "model_config:\n  qwen3: {preferred_endpoints: [b, a]}\n  llama: {}\n"

    assert errors(config) == [f'6:32: {PREFERRED}: all endpoints of model "qwen3" {DRAINED}']


def test_the_gateway_needs_an_endpoint_that_is_not_drained() -> None:
    drained = endpoints("{name: a, address: 10.0.0.1, port: 80, weight: 0}")

    assert errors(drained) == [f"2:3: vllm_endpoints: all endpoints of the gateway {DRAINED}"]


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


def test_each_mistake_is_told_once_and_in_words_that_fit() -> None:
    with pytest.raises(ConfigError) as raised:
        load(Source("config.yaml", MISTAKES.encode()))

    assert str(raised.value).splitlines() == [
        ('config.yaml:2:51: vllm_endpoints[0].protocol: is the string "ftp"; write http or https'),
        ('config.yaml:3:51: vllm_endpoints[1].protocol: is the string "grpc"; write http or https'),
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
    gateway = load(Source("config.yaml", text.encode())).gateway

    assert [endpoint.weight for endpoint in gateway.endpoints] == [1]
    assert [(model.endpoints, model.loras) for model in gateway.models] == [(gateway.endpoints, ())]
    assert gateway.default_model is None


def test_one_address_has_one_spelling() -> None:
    text = "vllm_endpoints:\n- {name: a, address: '0:0:0:0:0:0:0:1', port: 1}\n"
    text += "- {name: b, address: '::1', port: 1}\n"

    assert [each.address for each in load(Source("c", text.encode())).gateway.endpoints] == [
        "::1",
        "::1",
    ]


SPACED = """\
vllm_endpoints:
- {name: 'a ', address: 10.0.0.1, port: 1, model: ' m'}
- {name: b, provider_profile: 'p '}
provider_profiles: {' p': {base_url: 'http://a'}}
model_config:
  ' m': {preferred_endpoints: [a, 'b '], loras: [{name: 'sql '}]}
default_model: ' m'
"""


def test_no_name_has_spaces_around_it() -> None:
    places = {
        "2:10: vllm_endpoints[0].name": "a ",
        "2:51: vllm_endpoints[0].model": " m",
        "3:31: vllm_endpoints[1].provider_profile": "p ",
        '4:21: provider_profiles[" p"]': " p",
        '6:3: model_config[" m"]': " m",
        '6:35: model_config[" m"].preferred_endpoints[1]': "b ",
        '6:57: model_config[" m"].loras[0].name': "sql ",
        "7:16: default_model": " m",
    }

    assert errors(SPACED) == [
        f'{place}: "{name}" begins or ends with a space; write "{name.strip()}"'
        for place, name in places.items()
    ]
    assert gateway(SPACED.replace(" '", "'").replace("' ", "'").replace("'", " "))


def test_where_clients_connect_is_not_in_this_form() -> None:
    assert errors("listeners: [{name: l, address: '::1', port: 1}]\n" + THREE) == [
        (
            "1:1: listeners: is of another form of the file and not read here; write `listener` "
            "in the settings, or the whole file in the form of `version: v0.3`"
        )
    ]


def test_of_a_model_with_spaces_around_its_name_the_places_are_told_as_it_is_written() -> None:
    config = THREE + "model_config:\n  ' m': {preferred_endpoints: [nope], loras: [{name: m}]}\n"

    assert {line.split(": ")[1].split(" m")[0] for line in errors(config)} == {'model_config["'}
