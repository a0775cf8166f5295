"""Old files written anew: the same gateway, in the form of version v0.3, without a secret."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from xds.config.gateway import Gateway
from xds.config.load import Source, load
from xds.config.migration import migrate
from xds.config.problems import ConfigError
from xds.translate import translate

FLAT = """\
vllm_endpoints:
  - {name: gpu-a, address: 10.0.0.1, port: 8000, weight: 3, api_key: sk-1}
  - {name: gpu-b, address: "2001:db8::2", port: 8000, path: /v9, protocol: https, weight: 0}
  - {name: gpu-c, address: "2001:db8::2", port: 8001, path: /v9, type: vllm}
  - {name: cloud, provider_profile: cloud}
  - {name: idle, address: 10.0.0.9, port: 8000}
provider_profiles:
  cloud:
    type: openai
    base_url: "https://api.example.com/v1"
    api_version: "1"
    extra_headers: {x-auth-token: sk-3, x-team: "$a"}
model_config:
  qwen3: {preferred_endpoints: [gpu-a], access_key: sk-2, description: costs $5, param_size: 7b}
  "$llama": {preferred_endpoints: [gpu-b, gpu-c], loras: [{name: sql}], access_key: $LLAMA}
  gpt: {preferred_endpoints: [cloud], access_key: "${GPT:-sk-4}", api_format: openai, model_id: x}
default_model: qwen3
reasoning_families: {qwen3: {type: chat_template_kwargs, parameter: enable_thinking}}
categories: [{name: math}]
decisions: [{name: d}]
semantic_cache: {enabled: true}
"""
FLAT_ANEW = """\
version: v0.3
listeners: [{name: http, address: 0.0.0.0, port: 8801}]
providers:
  defaults:
    default_model: qwen3
    reasoning_families: {qwen3: {type: chat_template_kwargs, parameter: enable_thinking}}
  models:
    - name: qwen3
      backend_refs:
        - {name: gpu-a, endpoint: "10.0.0.1:8000", weight: 3, api_key: "${GPU_A_API_KEY}"}
    - name: $$llama
      backend_refs:
        - name: gpu-b
          endpoint: "[2001:db8::2]:8000/v9"
          protocol: https
          weight: 0
          api_key: $LLAMA
        - {name: gpu-c, endpoint: "[2001:db8::2]:8001/v9", type: vllm, api_key: $LLAMA}
    - name: gpt
      provider_model_id: x
      api_format: openai
      backend_refs:
        - name: cloud
          base_url: "https://api.example.com/v1"
          provider: openai
          api_version: "1"
          extra_headers: {x-auth-token: "${CLOUD_X_AUTH_TOKEN}", x-team: "${CLOUD_X_TEAM}"}
          api_key: ${GPT_API_KEY}
routing:
  modelCards:
    - {name: qwen3, description: costs $$5, param_size: 7b}
    - {name: $$llama, loras: [{name: sql}]}
    - {name: gpt}
  signals: {domains: [{name: math}]}
  decisions: [{name: d}]
"""
USER = """\
version: v0.1
listeners:
  - {name: l, address: "::1", port: 1, timeout: 60s, api_keys: [sk-1, "${KEY:-sk-2}"]}
  - {name: m, address: "::1", port: 2}
providers:
  models:
    - name: qwen3
      endpoints:
        - {name: a, endpoint: "${HOST:-vllm}:8000", weight: 2, protocol: http}
        - {name: b, endpoint: "10.0.0.2", weight: 1}
      access_key: sk-3
      reasoning_family: qwen3
      loras: [{name: sql}]
    - {name: claude, api_format: anthropic, endpoints: []}
  default_model: sql
  default_reasoning_effort: low
  external_models: [{llm_provider: x, access_key: sk-4}]
signals: {keywords: [{name: k}]}
decisions: [{name: d}]
memory: {enabled: true}
"""
USER_ANEW = """\
version: v0.3
listeners:
  - name: l
    address: "::1"
    port: 1
    timeout: 60s
    api_keys: ["${L_API_KEYS_1}", "${L_API_KEYS_2}"]
  - {name: m, address: "::1", port: 2}
providers:
  defaults: {default_model: sql, default_reasoning_effort: low}
  models:
    - name: qwen3
      reasoning_family: qwen3
      backend_refs:
        - name: a
          endpoint: "${HOST:-vllm}:8000"
          protocol: http
          weight: 2
          api_key: ${QWEN3_API_KEY}
        - {name: b, endpoint: "10.0.0.2", weight: 1, api_key: "${QWEN3_API_KEY}"}
    - {name: claude, api_format: anthropic}
routing:
  modelCards:
    - {name: qwen3, loras: [{name: sql}]}
    - {name: claude}
  signals: {keywords: [{name: k}]}
  decisions: [{name: d}]
"""
ENVIRONMENT = {"L_API_KEYS_1": "sk-1", "L_API_KEYS_2": "sk-2"}
OTHERS = "`vllm-sr config migrate` carries it over"


def anew(text: str) -> tuple[dict[str, Any], list[str]]:
    new, warnings = migrate(Source("old.yaml", text.encode()))
    return new, [str(warning).removeprefix("old.yaml:") for warning in warnings]


def gateway(text: str) -> Gateway:
    source = Source("config.yaml", text.encode())
    return load(source, environment=ENVIRONMENT).gateway


@pytest.mark.parametrize(("old", "new"), [(FLAT, FLAT_ANEW), (USER, USER_ANEW)])
def test_an_old_file_becomes_one_of_today(old: str, new: str) -> None:
    found, _ = anew(old)

    assert found == yaml.safe_load(new)
    assert "sk-" not in repr(found)


@pytest.mark.parametrize("old", [FLAT, USER])
def test_the_gateway_stays_the_same(old: str) -> None:
    found, _ = anew(old)
    before, after = gateway(old), gateway(yaml.safe_dump(found))

    assert translate(after) == translate(before)
    assert replace(after, models=(), endpoints=()) == replace(before, models=(), endpoints=())


def test_what_is_left_out_of_a_flat_file_is_told() -> None:
    _, warnings = anew(FLAT)

    assert warnings == [
        (
            "2:70: warning: vllm_endpoints[0].api_key: is left out; "
            "set the environment variable GPU_A_API_KEY to it"
        ),
        '6:12: warning: vllm_endpoints[4].name: "idle" serves no model and is left out',
        (
            "12:35: warning: provider_profiles.cloud.extra_headers.x-auth-token: is left out; "
            "set the environment variable CLOUD_X_AUTH_TOKEN to it"
        ),
        (
            "12:49: warning: provider_profiles.cloud.extra_headers.x-team: is left out; "
            "set the environment variable CLOUD_X_TEAM to it"
        ),
        (
            "14:41: warning: model_config.qwen3.access_key: is left out, "
            "as there is no endpoint without a key of its own"
        ),
        (
            "16:51: warning: model_config.gpt.access_key: is left out; "
            "set the environment variable GPT_API_KEY to it"
        ),
        f"21:1: warning: semantic_cache: is left out, as it has no bearing here; {OTHERS}",
    ]


def test_what_is_left_out_of_a_user_file_is_told() -> None:
    _, warnings = anew(USER)

    assert [line.partition(" is left out")[0] for line in warnings] == [
        "3:65: warning: listeners[0].api_keys[0]:",
        "3:71: warning: listeners[0].api_keys[1]:",
        "11:19: warning: providers.models[0].access_key:",
        "17:3: warning: providers.external_models:",
        "20:1: warning: memory:",
    ]
    assert "sk-" not in "".join(warnings)


A = "vllm_endpoints: [{name: e, address: '::1', port: 1%s}]\nmodel_config: {m: {%s}}\n"
PROFILED = """\
vllm_endpoints: [{name: e, provider_profile: p}]
provider_profiles: {p: {base_url: "https://x", %s}}
model_config: {m: {}}
"""
B = "version: v0.1\nproviders: {models: [{name: m%s, endpoints: [{name: e, endpoint: a%s}]}]}\n"
PLUGIN = "decisions: [{name: d, plugins: [{configuration: {%s}}]}]\n"


@pytest.mark.parametrize(
    ("old", "variable"),
    [
        (A % (", api_key: $ecretsk", ""), "E_API_KEY"),
        (A % ("", "access_key: sk"), "M_API_KEY"),
        (PROFILED % "auth_prefix: Bearer sk", "P_AUTH_PREFIX"),
        (PROFILED % "extra_headers: {x-credential: sk}", "P_X_CREDENTIAL"),
        (PROFILED % "extra_headers: {x-team: $sk}", "P_X_TEAM"),
        (B % ("", ", extra_headers: {x-a: sk}"), "M_E_X_A"),
        (B % ("", ", auth_prefix: Bearer sk"), "M_E_AUTH_PREFIX"),
        (A.replace("m:", "7m:") % ("", "access_key: sk"), "_7M_API_KEY"),
        (A.replace("m:", "g:") % ("", "access_key: sk, description: G_API_KEY"), "G_API_KEY_"),
    ],
)
def test_a_variable_takes_the_place_of_a_key(old: str, variable: str) -> None:
    found, [warning] = anew(old)

    assert f"'${{{variable}}}'" in repr(found)
    assert "sk" not in repr(found)
    assert warning.endswith(f": is left out; set the environment variable {variable} to it")


@pytest.mark.parametrize(
    "key",
    [
        *("backend_config: {api_key: sk}", "apiKey: sk", "hf_token: sk", "redis-password: sk"),
        *("secret: sk", "secret: {name: sk}", "token: 31415", "api_keys: [a, sk]"),
        *("headers: {a: sk}", "add: [{name: Authorization, value: sk}]"),
        *('url: "redis://:sk@host"', 'urls: ["https://host/?api_key=sk"]', "api_key: '${A:-sk}'"),
    ],
)
@pytest.mark.parametrize("old", [A % ("", ""), B % ("", "")])
def test_a_key_is_found_however_deep_it_stands(old: str, key: str) -> None:
    found, warnings = anew(old + PLUGIN % key)

    assert not {"sk", "31415"} & set(re.findall(r"\w+", repr(found)))
    assert all("set the environment variable D_PLUGINS_1_CONFIG" in line for line in warnings)
    assert warnings


@pytest.mark.parametrize(
    "kept",
    [
        *("max_tokens: 512", "cost_per_token: 2", "token: ''", "has_secret: true"),
        *(
            "cache_key: a",
            "auth_prefix: Bearer",
            "add: [{name: x-team, value: a}]",
            "url: http://a",
        ),
    ],
)
def test_what_is_no_key_stays(kept: str) -> None:
    found, warnings = anew(B % ("", "") + PLUGIN % kept)

    assert found["routing"]["decisions"] == yaml.safe_load(PLUGIN % kept)["decisions"]
    assert warnings == []


def test_names_are_no_keys() -> None:
    old = A.replace("m:", "my-token:") % ("", "description: a")
    found, warnings = anew(
        f"{old}provider_profiles: {{secret: {{type: b}}}}\n"
        "reasoning_families: {token: {type: c}}\n"
    )

    [card] = found["routing"]["modelCards"]
    assert card == {"name": "my-token", "description": "a"}
    assert found["providers"]["defaults"] == {"reasoning_families": {"token": {"type": "c"}}}
    assert len(warnings) == 1


@pytest.mark.parametrize("reference", ["$K", "${K}", "Bearer $K"])
def test_references_stay_where_they_are_some(reference: str) -> None:
    found, warnings = anew(B % ("", f", extra_headers: {{x-a: '{reference}'}}"))

    [ref] = found["providers"]["models"][0]["backend_refs"]
    assert ref["extra_headers"] == {"x-a": reference}
    assert warnings == []


def test_a_key_that_no_endpoint_takes_is_told_without_a_variable() -> None:
    _, warnings = anew(A % (", api_key: sk-1", "access_key: sk-2"))

    assert [line.partition(": warning: ")[2] for line in warnings] == [
        "vllm_endpoints[0].api_key: is left out; set the environment variable E_API_KEY to it",
        (
            "model_config.m.access_key: is left out, "
            "as there is no endpoint without a key of its own"
        ),
    ]


def test_all_that_an_endpoint_of_a_user_file_says_is_carried_over() -> None:
    said = {
        "api_key": "$K",
        "api_key_env": "K",
        "auth_header": "x",
        "auth_prefix": "Bearer",
        "extra_headers": {"x-a": "$A"},
        "chat_path": "/c",
        "provider": "openai",
        "type": "vllm",
        "api_version": "1",
    }
    keys = ", ".join(f"{key}: {json.dumps(value)}" for key, value in said.items())
    found, warnings = anew(B % (", provider_model_id: p, access_key: $M", f", {keys}"))

    [model] = found["providers"]["models"]
    assert model["provider_model_id"] == "p"
    assert model["backend_refs"] == [{"name": "e", "endpoint": "a", **said}]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("old", "path"),
    [
        (A % (", own: 1", ""), "vllm_endpoints[0].own"),
        (A % ("", "pii_policy: {allow: true}"), "model_config.m.pii_policy"),
        (A % ("", "image_gen_backend: a"), "model_config.m.image_gen_backend"),
        (PROFILED % "own: 1", "provider_profiles.p.own"),
        (PROFILED.replace("p}", "p, path: /x}") % "type: a", "vllm_endpoints[0].path"),
        (B % (", own: 1", ""), "providers.models[0].own"),
        (B % ("", ", own: 1"), "providers.models[0].endpoints[0].own"),
    ],
)
def test_what_has_no_place_any_more_is_told(old: str, path: str) -> None:
    _, warnings = anew(old)

    assert [line.partition(": warning: ")[2] for line in warnings] == [
        f"{path}: is left out, as v0.3 has no place for it"
    ]


def test_a_profile_that_places_nothing_is_told() -> None:
    _, warnings = anew(
        A % ("", "") + "provider_profiles: {p: {base_url: 'https://x'}}\ndefault_model: m\n"
    )

    assert warnings == [
        "3:21: warning: provider_profiles.p: places no endpoint of a model and is left out"
    ]


def test_what_is_told_of_the_old_file_is_told_here_too_and_once() -> None:
    _, warnings = anew(A % (", health_check_path: /health", ""))

    assert len(warnings) == 1
    assert "does not check anything, since September 2025" in warnings[0]


def test_signals_under_either_name_are_carried_over() -> None:
    found, warnings = anew(
        B
        % ("", "")
        + "signals: {domains: [{name: a}]}\ncategories: [{name: b}]\nkeyword_rules: [{name: c}]\n"
        "reasoning_families: {f: {type: t}}\n"
    )

    assert found["routing"]["signals"] == {"domains": [{"name": "a"}], "keywords": [{"name": "c"}]}
    assert found["providers"]["defaults"] == {"reasoning_families": {"f": {"type": "t"}}}
    assert warnings == [
        (
            "4:1: warning: categories: is left out, as `signals.domains` stands in its place; "
            "keep one of the two"
        )
    ]


def test_signals_that_are_none_are_told() -> None:
    found, warnings = anew(B % ("", "") + "signals: [a]\n")

    assert "signals" not in found["routing"]
    assert warnings == [f"3:1: warning: signals: is left out, as it has no bearing here; {OTHERS}"]


def test_two_keys_have_two_variables() -> None:
    found, warnings = anew(
        "vllm_endpoints:\n"
        "- {name: a.b, address: '::1', port: 1, api_key: sk-1}\n"
        "- {name: a-b, address: '::1', port: 2, api_key: sk-2}\n"
        "model_config: {m: {}}\n"
    )

    keys = [ref["api_key"] for ref in found["providers"]["models"][0]["backend_refs"]]
    assert keys == ["${A_B_API_KEY}", "${A_B_API_KEY_}"]
    assert len(warnings) == 2


def test_the_listener_of_the_settings_becomes_one_of_the_file() -> None:
    new, _ = migrate(
        Source("old.yaml", FLAT.encode()),
        Source("settings.yaml", b"listener: {address: '::', port: 80}"),
    )

    assert new["listeners"] == [{"name": "http", "address": "::", "port": 80}]


@pytest.mark.parametrize(
    ("old", "line"),
    [
        (
            "version: v0.3\nproviders: {models: [{name: m, backend_refs: [{endpoint: a}]}]}",
            "the file is in the form of v0.3 already; use it as it is",
        ),
        (
            "vllm_endpoints: [{name: a, address: '::1', port: 1}]",
            "names no model, and every endpoint belongs to one now; add `model_config`",
        ),
    ],
)
def test_what_can_not_be_migrated_is_told(old: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        anew(old)
    assert str(refused.value) == f"old.yaml:1:1: {line}"


def test_mistakes_are_told_before_anything_else() -> None:
    with pytest.raises(ConfigError) as refused:
        anew(FLAT.replace("8000", "0"))
    assert len(refused.value.problems) == 3
