"""The JSON Schemas: current, and of one mind with what reads the files."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from xds.config.document import Document
from xds.config.load import Source, load
from xds.config.problems import ConfigError
from xds.config.schema import config_schema, settings_schema
from xds.config.settings import read_settings

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
GOOD = sorted(case.name for case in CASES.iterdir() if not (case / "errors.txt").exists())
SETTINGS = [name for name in GOOD if (CASES / name / "settings.yaml").exists()]
CONFIG = Draft202012Validator(config_schema())
OWN = Draft202012Validator(settings_schema())


def wrong(validator: Draft202012Validator, text: str) -> list[str]:
    """Return where a file is not what the schema wants."""
    return sorted(
        error.json_path for error in validator.iter_errors(Document.parse("", text.encode()).data)
    )


@pytest.mark.parametrize("schema", [config_schema(), settings_schema()])
def test_they_are_schemas(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert "title" in schema
    assert "PT" not in json.dumps(schema)


@pytest.mark.parametrize(
    ("name", "schema"), [("config", config_schema()), ("settings", settings_schema())]
)
def test_the_copies_for_editors_are_current(name: str, schema: dict[str, Any]) -> None:
    assert json.loads((ROOT / "schemas" / f"{name}.json").read_text()) == schema


@pytest.mark.parametrize("name", [name for name in GOOD if "configmap" not in name])
def test_every_good_file_is_what_the_schema_wants(name: str) -> None:
    assert wrong(CONFIG, (CASES / name / "config.yaml").read_text()) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_all_good_settings_are_what_the_schema_wants(name: str) -> None:
    assert wrong(OWN, (CASES / name / "settings.yaml").read_text()) == []


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("vllm_endpoints: []", "$.vllm_endpoints"),
        ("vllm_endpoints: [{name: a, address: 10.0.0.1, port: 0}]", "$.vllm_endpoints[0].port"),
        ("model_config: {m: {}}", "$"),
        (
            "version: v0.1\nproviders: {models: [{name: m, endpoints: [{name: a}]}]}",
            "$.providers.models[0].endpoints[0]",
        ),
        (
            "version: v0.3\nproviders: {models: [{name: m, backend_refs: [{weight: -1}]}]}",
            "$.providers.models[0].backend_refs[0].weight",
        ),
        (
            "version: v0.3\nproviders: {models: [{name: m}]}\nlisteners: [{name: l}]",
            "$.listeners",
        ),
        ("{}", "$"),
    ],
)
def test_a_mistake_is_found_where_it_stands(config: str, path: str) -> None:
    assert path in wrong(CONFIG, config)


def test_what_may_be_empty_may_be_so_to_both() -> None:
    texts = ["lb_policy", "retry_on", "base_ejection_time"]
    texts += [f"health_check_{part}" for part in ("path", "interval", "timeout")]
    empty = ", ".join(f"{key}: ''" for key in texts)
    model = f"{{name: m, backend_refs: [{{endpoint: a}}], reliability: {{{empty}}}}}"
    config = f"version: v0.3\nproviders: {{models: [{model}]}}\n"

    assert load(Source("config.yaml", config.encode())).warnings == ()
    assert wrong(CONFIG, config) == []
    assert wrong(CONFIG, config.replace("retry_on: ''", "retry_on: 5"))
    assert wrong(CONFIG, config.replace("policy: ''", "policy: 'x'"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("listner: {}", "$"),
        ("resilience: {timeout: {connect: 5}}", "$.resilience.timeout.connect"),
        ("resilience: {timeout: {connect: 5 s}}", "$.resilience.timeout.connect"),
        ("resilience: {health_check: {}}", "$.resilience.health_check"),
        ("endpoints: {a: {priority: 128}}", "$.endpoints.a.priority"),
    ],
)
def test_a_mistake_in_the_settings_is_found_where_it_stands(text: str, path: str) -> None:
    assert path in wrong(OWN, text)


C = "version: v0.3\nproviders: {models: [{name: m, backend_refs: [{%s}]}]}\n"
B = "version: v0.1\nproviders: {models: [{name: m, endpoints: [{name: e, %s}]}]}\n"
A = "vllm_endpoints: [{name: e, address: 10.0.0.1, port: 1, %s}]\n"
PROFILED = """\
vllm_endpoints: [{name: e, provider_profile: p%s}]
provider_profiles: {p: {base_url: "https://x/v1"%s}}
"""
MODEL = "version: v0.3\nproviders: {models: [{name: m, backend_refs: [{endpoint: a}], %s}]}\n"
LISTENER = C % "endpoint: a" + "listeners: [{name: l, address: '::1', port: 1, %s}]\n"
LISTENING = C % "endpoint: a" + "listeners: [{name: l, address: '%s', port: 1}]\n"
VERSIONED = "%sproviders: {models: [{name: m, %s: [{name: e, endpoint: a}]}]}\n"
ROUTER = "router: {address: %s}"
RETRY = "resilience: {retry: {on: %s}}"
CONNECT = "resilience: {timeout: {connect: %s}}"
PLAIN = "vllm_endpoints: [{name: a, address: 10.0.0.1, port: 1}]"
GOOD_CONFIGS = [
    *(A % "weight: ", A % "protocol: HTTPS", A % "provider_profile: ''", A % "path: /v9"),
    *(A % "model: ''", PLAIN + "\nmodel_config: {m: }", PLAIN + "\nmodel_config:"),
    *(A.replace("10.0.0.1", address) % "" for address in ("'::1'", "' 10.0.0.1 '")),
    *(PROFILED % ("", ""), PROFILED % (", address: no, port: 0", "")),
    *(C % f"endpoint: {server}" for server in ("a", "'a:80'", "10.0.0.1/v1", "'[::1]:80'")),
    *(C % f"endpoint: {server}" for server in ("'::1'", "'https://a/v1'", "'${P:-a}:80'")),
    *(C % f"base_url: {url}" for url in ("'http://a'", "'https://a:8/v1'", "'${P:-http://a}'")),
    *(C % "endpoint: '', base_url: 'http://a'", C % "endpoint: a, base_url: ''"),
    *(C % f"endpoint: a, {rest}" for rest in ("weight: ", "weight: 4294967295", "protocol: HTTPS")),
    *(C % "endpoint: a, protocol: '${P:-http}'", B % "endpoint: a, protocol: '${P:-http}'"),
    *(B % "endpoint: a", B % "endpoint: a, weight: ", B % "endpoint: a, base_url: ''"),
    *(LISTENER % "api_keys: ", LISTENER % "api_keys: []", LISTENER % "api_keys: [a, b]"),
    *(LISTENER % "timeout: ", LISTENER % "timeout: 0s", LISTENER % "timeout: '${P:-3s}'"),
    *(LISTENING % address for address in ("127.0.0.1", "::", "2001:db8::1", "::ffff:10.0.0.1")),
    LISTENING % "${P:-10.0.0.1}",
    *(
        MODEL % f"reliability: {{{key}: {value}}}"
        for key, value in (
            *(("lb_policy", "''"), ("lb_policy", "'${P:-round_robin}'"), ("lb_policy", "")),
            *(("retry_on", "' 5xx , reset'"), ("retry_on", "''"), ("retry_on", "'${P:-5xx}'")),
            *(("health_check_path", "''"), ("health_check_path", ""), ("retry_count", "")),
            *(("health_check_interval", "''"), ("base_ejection_time", "'${P:-3s}'")),
        )
    ),
    MODEL % "reliability: ",
    *(
        VERSIONED % (version, "endpoints")
        for version in ("version: 0.1\n", "version: '0.2'\n", "version: v0.2\n", "version:\n", "")
    ),
    *(
        VERSIONED % (version, "backend_refs")
        for version in ("version: 0.3\n", "version: v0.4\n", "version:\n", "")
    ),
    C % "endpoint: a" + "routing: {modelCards: [{name: m, loras: }]}",
    C % "endpoint: a" + "default_model: ''",
]
BAD_CONFIGS = [
    *(A % "weight: ''", A % "protocol: ''", A % "provider_profile: 5", A % "path: '/a?b'"),
    *(A.replace("10.0.0.1", address) % "" for address in ("'http://a'", "'a:80'", "10.0.0", "''")),
    *(A.replace("name: e", "name: ' e'") % "", PLAIN + "\nmodel_config: {' m': {}}"),
    *(PROFILED % (", weight: -1", ""), PROFILED.replace("https:", "ftp:") % ("", "")),
    *(A % "" + "model_config: {m: {preferred_endpoints: [e, e]}}", A % "" + "listeners: [{}]"),
    *(C % "", C % "weight: 1", C % "endpoint: ''", C % "endpoint: '', base_url: ''"),
    *(
        C % f"endpoint: {server}"
        for server in ("'ftp://a'", "a b", "'a:0'", "'u@a'", "'a?b'", "'a:'")
    ),
    *(C % "base_url: a", B % "base_url: 'http://a'", B % "endpoint: ''", C % "name: ''"),
    *(
        C % "endpoint: a, weight: ''",
        C % "endpoint: a, protocol: ''",
        C % "endpoint: a, name: 'a '",
    ),
    *(LISTENER % "api_keys: ''", LISTENER % "timeout: ''", LISTENER % "api_keys: [a, a]"),
    *(LISTENING % address for address in ("localhost", "", "10.0.0", "10.0.0.256", "1::2::g")),
    *(
        MODEL % f"reliability: {{{key}: {value}}}"
        for key, value in (
            *(
                ("retry_on", "foo"),
                ("retry_on", "'5xx,'"),
                ("retry_count", "''"),
                ("lb_policy", "x"),
            ),
            *(("health_check_path", "health"), ("health_check_timeout", "0s")),
        )
    ),
    *(VERSIONED % (version, "backend_refs") for version in ("version: 0.1\n", "version: 'v0.2'\n")),
    *(
        VERSIONED % (version, "endpoints")
        for version in ("version: 0.3\n", "version: v0.4\n", "version: 5\n")
    ),
    *(
        MODEL % "endpoints: []",
        MODEL % "loras: [{name: a}]",
        C % "endpoint: a" + "default_model: m",
    ),
    *(C.replace("[{%s}]", "[]"), "version: v0.3\nproviders: {models: [{name: m}]}"),
    *(
        "vllm_endpoints: []",
        "model_config: {m: {}}",
        "providers:",
        "providers: {models: []}",
        "a: b",
    ),
]
GOOD_SETTINGS = [
    *("resilience:", "router:", "endpoints:", "listener:", "listener: {port: }", "models: {}"),
    *("routing: {model_header: }", "allow_domain_names:", "upstream_tls: {ca_file: }"),
    *(ROUTER % host for host in ("a", "A.b.", "'::1'", "10.0.0.1", "' a '", "a_b", "1a")),
    *(RETRY % value for value in ("5xx", "'5xx, reset'", "")),
    *(CONNECT % "1h2m", "resilience: {health_check: }", "endpoints: {a: {zone: ''}}"),
    *("listener: {address: '::'}", "resilience: {timeout: {idle: 0s}}"),
]
BAD_SETTINGS = [
    *("resilience: ''", "endpoints: {a: }", "listener: ''", "listener: {port: '80'}", "nothing: 1"),
    *(f"routing: {{model_header: {name}}}" for name in ("host", "te", "X-Model", "''")),
    *("routing: {unknown_model: ''}", "upstream_tls: {ca_file: ''}", "router: {}"),
    *(
        ROUTER % host
        for host in ("'http://x'", "'a:80'", "a/b", "''", "10.0.0", "a..b", "-a", "a.1")
    ),
    *(RETRY % value for value in ("foo", "''", "'5xx reset'")),
    *(CONNECT % "0s", CONNECT % "0h0.0m", "resilience: {health_check: ''}"),
    *("resilience: {health_check: {path: /, interval: 0s}}", "listener: {address: localhost}"),
]


@pytest.mark.parametrize("config", GOOD_CONFIGS)
def test_the_schema_takes_what_is_read(config: str) -> None:
    load(Source("config.yaml", config.encode()), environment={})
    assert wrong(CONFIG, config) == []


@pytest.mark.parametrize("config", BAD_CONFIGS)
def test_the_schema_refuses_what_is_refused(config: str) -> None:
    with pytest.raises(ConfigError):
        load(Source("config.yaml", config.encode()), environment={})
    assert wrong(CONFIG, config) != []


@pytest.mark.parametrize("settings", GOOD_SETTINGS)
def test_the_schema_takes_the_settings_that_are_read(settings: str) -> None:
    read_settings(Document.parse("settings.yaml", settings.encode()))
    assert wrong(OWN, settings) == []


@pytest.mark.parametrize("settings", BAD_SETTINGS)
def test_the_schema_refuses_the_settings_that_are_refused(settings: str) -> None:
    with pytest.raises(ConfigError):
        read_settings(Document.parse("settings.yaml", settings.encode()))
    assert wrong(OWN, settings) != []


@pytest.mark.parametrize(
    "duration", ["1s", "0.5s", "1.125m", "24h", "500ms", "1m30s", "1m30", "5", "1.5ms", "s"]
)
def test_durations_are_the_same_to_both(duration: str) -> None:
    text = f"resilience: {{timeout: {{connect: {duration}}}}}"
    config = b"vllm_endpoints: [{name: a, address: 10.0.0.1, port: 1}]"
    try:
        load(Source("config.yaml", config), Source("settings.yaml", text.encode()))
    except ConfigError:
        assert wrong(OWN, text)
    else:
        assert not wrong(OWN, text)
