"""What a file of dialect C that is right says."""

from datetime import timedelta

import pytest

from config.nested_words import CANONICAL, backends, canonical, gateway, warnings
from xds.config.addresses import canonical as canonical_ip
from xds.config.gateway import (
    Endpoint,
    Gateway,
    HealthCheck,
    Listener,
    Model,
    OutlierDetection,
    Resilience,
    Retry,
    Timeout,
)
from xds.config.load import Source, load

MINIMAL = """\
version: v0.3
listeners: [{name: http-8899, address: 0.0.0.0, port: 8899, timeout: 300s}]
providers:
  defaults: {default_model: local/general}
  models:
    - name: local/general
      provider_model_id: my-served-model
      backend_refs: [{name: primary, endpoint: host.docker.internal:8000, protocol: http}]
routing:
  modelCards: [{name: local/general}]
"""


def test_the_example_of_the_routers_documentation() -> None:
    endpoint = Endpoint("local/general_primary", "host.docker.internal", 8000)

    assert gateway(MINIMAL) == Gateway(
        listeners=(
            Listener("http-8899", "0.0.0.0", 8899, timedelta(seconds=300)),  # noqa: S104  theirs
        ),
        endpoints=(endpoint,),
        models=(Model("local/general", (endpoint,)),),
        default_model="local/general",
    )


@pytest.mark.parametrize(
    ("backend", "endpoint"),
    [
        ("{endpoint: 10.0.0.1}", Endpoint("m_primary", "10.0.0.1", 80)),
        ("{endpoint: '10.0.0.1:8000'}", Endpoint("m_primary", "10.0.0.1", 8000)),
        ("{endpoint: '[2001:db8::1]:8000'}", Endpoint("m_primary", "2001:db8::1", 8000)),
        ("{endpoint: '[2001:db8::1]'}", Endpoint("m_primary", "2001:db8::1", 80)),
        ("{endpoint: '2001:db8::1'}", Endpoint("m_primary", "2001:db8::1", 80)),
        ("{endpoint: vllm}", Endpoint("m_primary", "vllm", 80)),
        (
            "{endpoint: 'VLLM.svc.cluster.local.:8000'}",
            Endpoint("m_primary", "vllm.svc.cluster.local", 8000),
        ),
        ("{endpoint: 'a:8000/v1'}", Endpoint("m_primary", "a", 8000)),
        ("{endpoint: 'a:8000/'}", Endpoint("m_primary", "a", 8000)),
        ("{endpoint: 'a/api/v2/'}", Endpoint("m_primary", "a", 80, path="/api/v2")),
        ("{endpoint: a, protocol: https}", Endpoint("m_primary", "a", 443, tls=True)),
        ("{endpoint: 'a:80', protocol: https}", Endpoint("m_primary", "a", 80, tls=True)),
        ("{endpoint: 'https://a'}", Endpoint("m_primary", "a", 443, tls=True)),
        ("{endpoint: 'HTTP://a:81/x'}", Endpoint("m_primary", "a", 81, path="/x")),
        (
            "{base_url: 'https://a/v1beta/openai', provider: gemini, api_key_env: KEY}",
            Endpoint("m_primary", "a", 443, tls=True, path="/v1beta/openai"),
        ),
        ("{name: own, endpoint: a}", Endpoint("m_own", "a", 80)),
        ("{name: , endpoint: a, weight: , protocol: }", Endpoint("m_primary", "a", 80)),
        ("{endpoint: a, weight: 3}", Endpoint("m_primary", "a", 80, weight=3)),
        ("{endpoint: a, api_key: sk-1, extra_headers: {a: b}}", Endpoint("m_primary", "a", 80)),
    ],
)
def test_a_backend(backend: str, endpoint: Endpoint) -> None:
    assert gateway(backends(backend)).models == (Model("m", (endpoint,)),)


def test_backends_without_a_name_are_counted() -> None:
    [model] = gateway(backends("{endpoint: a}", "{endpoint: b}", "{name: x, endpoint: c}")).models

    assert [each.name for each in model.endpoints] == ["m_primary", "m_backend-2", "m_x"]


def test_a_backend_of_weight_0_is_drained() -> None:
    [model] = gateway(backends("{endpoint: a, weight: 0}", "{endpoint: b}")).models

    assert [each.weight for each in model.endpoints] == [0, 1]


def test_a_server_of_several_models_is_one_endpoint_of_the_gateway() -> None:
    served = gateway(
        canonical(
            m="[{endpoint: a}, {endpoint: b, weight: 2}]",
            n="[{endpoint: 'a:80'}, {endpoint: b, weight: 5}, {endpoint: b, protocol: https}]",
        )
    )

    assert served.endpoints == (
        Endpoint("m_primary", "a", 80),
        Endpoint("n_backend-2", "b", 80, weight=5),
        Endpoint("n_backend-3", "b", 443, tls=True),
    )


def test_listeners() -> None:
    listeners = """\
listeners:
  - {name: a, address: 0.0.0.0, port: 8899, timeout: 0s}
  - {name: b, address: '::1', port: 8899, api_keys: ["sk-1", "sk-2"]}
  - {name: c, address: 127.0.0.1, port: 8899, timeout: , api_keys: }
"""

    assert gateway(listeners + CANONICAL, "listener: {port: 1}").listeners == (
        Listener("a", "0.0.0.0", 8899, timedelta(0)),  # noqa: S104  theirs
        Listener("b", "::1", 8899, api_keys=("sk-1", "sk-2")),
        Listener("c", "127.0.0.1", 8899),
    )


@pytest.mark.parametrize("listeners", ["", "listeners: []\n", "listeners:\n"])
def test_without_listeners_the_settings_say_where_clients_connect(listeners: str) -> None:
    assert gateway(listeners + CANONICAL, "listener: {address: '::', port: 1}").listeners == (
        Listener("http", "::", 1),
    )


def test_keys_of_listeners_show_in_no_text() -> None:
    listeners = "listeners: [{name: b, address: '::1', port: 1, api_keys: [sk-1, sk-2]}]\n"
    served = gateway(listeners + CANONICAL)

    assert "sk-" not in repr(served)
    assert served.without_secrets().listeners == (
        Listener("b", "::1", 1, api_keys=("REDACTED-1", "REDACTED-2")),
    )


def test_without_reliability_a_model_is_treated_as_the_settings_say() -> None:
    [model] = gateway(CANONICAL, "resilience: {retry: {attempts: 5}}").models

    assert model.resilience == Resilience(retry=Retry(attempts=5))


def test_reliability_is_taken_literally_with_the_routers_own_defaults() -> None:
    config = canonical(m="[{endpoint: a}]").replace(
        "backend_refs", "reliability: {}\n    backend_refs"
    )

    [model] = gateway(config, "resilience: {timeout: {connect: 1s}}").models

    assert model.resilience == Resilience(
        lb_policy="round_robin",
        retry=Retry(on="connect-failure,refused-stream", attempts=0),
        outlier_detection=OutlierDetection(consecutive_5xx=0, max_ejection_percent=50),
        timeout=Timeout(connect=timedelta(seconds=1)),
    )


def test_everything_that_reliability_says_is_done_unless_the_settings_of_the_model_say_else() -> (
    None
):
    reliability = """\
reliability:
      lb_policy: least_request
      retry_count: 5
      retry_on: 5xx, reset
      consecutive_5xx: 3
      base_ejection_time: 1m
      max_ejection_percent: 10
      health_check_path: /healthz
      health_check_interval: 5s
      health_check_timeout: 1s
    """
    config = CANONICAL.replace("backend_refs", f"{reliability}backend_refs")
    said = Resilience(
        lb_policy="least_request",
        retry=Retry(on="5xx,reset", attempts=5),
        outlier_detection=OutlierDetection(
            consecutive_5xx=3, base_ejection_time=timedelta(minutes=1), max_ejection_percent=10
        ),
        health_check=HealthCheck(
            path="/healthz", interval=timedelta(seconds=5), timeout=timedelta(seconds=1)
        ),
    )

    assert gateway(config).models[0].resilience == said
    assert gateway(config, "models: {m: {resilience: {retry: {attempts: 1}}}}").models[
        0
    ].resilience == said.model_copy(update={"retry": Retry(on="5xx,reset", attempts=1)})


@pytest.mark.parametrize(
    "key",
    [
        *("lb_policy", "retry_on", "base_ejection_time"),
        *("health_check_path", "health_check_interval", "health_check_timeout"),
    ],
)
def test_an_empty_text_in_reliability_counts_as_left_out(key: str) -> None:
    empty = CANONICAL + f"    reliability: {{{key}: ''}}\n"

    assert gateway(empty) == gateway(CANONICAL + "    reliability: {}\n")


def test_durations_are_written_as_go_writes_them() -> None:
    listeners = "listeners: [{name: l, address: '::1', port: 1, timeout: 1m30s}]\n"
    config = listeners + CANONICAL + "    reliability: {base_ejection_time: 1h0m0s}\n"
    served = gateway(config)

    assert served.listeners[0].timeout == timedelta(seconds=90)
    ejection = served.models[0].resilience.outlier_detection.base_ejection_time
    assert ejection == timedelta(hours=1)


def test_loras_of_model_cards_are_served_with_their_base_model() -> None:
    cards = """\
routing:
  modelCards:
    - {name: m, loras: [{name: sql, description: x}, {name: law}], param_size: 7b}
    - {name: other, loras: [{name: far}]}
  decisions: [{name: x}]
"""
    served = gateway(CANONICAL + cards)

    assert [(model.name, model.loras) for model in served.models] == [("m", ("sql", "law"))]


@pytest.mark.parametrize(
    ("defaults", "default"),
    [
        ("{default_model: m}", "m"),
        ("{default_model: sql}", "m"),
        ("{model: m, reasoning_effort: high}", "m"),
        ("{default_model: ''}", None),
        ("{}", None),
        ("", None),
    ],
)
def test_the_default_model(defaults: str, default: str | None) -> None:
    config = CANONICAL.replace("  models:", f"  defaults: {defaults}\n  models:")
    cards = "routing: {modelCards: [{name: m, loras: [{name: sql}]}]}\n"

    assert gateway(config + cards).default_model == default


def test_models_without_backends_are_served_by_the_router_itself() -> None:
    config = (
        canonical(m="[{endpoint: a}]", own="[]") + "  - {name: claude, api_format: anthropic}\n"
    )

    assert [model.name for model in gateway(config, "models: {claude: {}}").models] == ["m"]
    assert warnings(config) == []


def test_a_default_model_without_backends_is_warned_of() -> None:
    config = canonical(m="[{endpoint: a}]", own="[]").replace(
        "  models:", "  defaults: {default_model: own}\n  models:"
    )

    assert gateway(config).default_model is None
    assert warnings(config) == [
        (
            '3:29: warning: providers.defaults.default_model: "own" has no endpoint, so all '
            "endpoints take the requests without a model; name a model with `backend_refs`"
        )
    ]


def test_a_protocol_that_the_url_contradicts_is_warned_of() -> None:
    config = backends("{base_url: 'https://a', protocol: http}")

    assert gateway(config).endpoints == (Endpoint("m_primary", "a", 443, tls=True),)
    assert warnings(config) == [
        (
            "5:54: warning: providers.models[0].backend_refs[0].protocol: says http, and "
            "`base_url` begins with https://, which wins; leave one out"
        )
    ]
    assert warnings(backends("{base_url: 'https://a', protocol: https}")) == []


def test_of_two_servers_in_one_backend_the_first_is_used_with_a_warning() -> None:
    config = backends("{endpoint: 'a:8000', base_url: 'https://b'}")

    assert gateway(config).endpoints == (Endpoint("m_primary", "a", 8000),)
    assert warnings(config) == [
        (
            "5:41: warning: providers.models[0].backend_refs[0].base_url: is not used: "
            "`endpoint` says where the server is; leave one out"
        )
    ]
    assert warnings(backends("{endpoint: '', base_url: 'https://b'}")) == []


@pytest.mark.parametrize(
    ("endpoint", "address", "right"),
    [
        ("2001:db8::10:8000", "2001:db8::10:8000", "[2001:db8::10]:8000"),
        ("::1:8000", "::1:8000", "[::1]:8000"),
        ("http://fd00::1:443/v1", "fd00::1:443", "[fd00::1]:443"),
    ],
)
def test_an_address_that_seems_to_end_in_a_port_is_warned_of(
    endpoint: str, address: str, right: str
) -> None:
    config = backends(f"{{endpoint: '{endpoint}'}}")

    assert gateway(config).endpoints == (Endpoint("m_primary", canonical_ip(address), 80),)
    assert warnings(config) == [
        (
            "5:31: warning: providers.models[0].backend_refs[0].endpoint: is an IPv6 address "
            f"without a port; write {right}, or [{address}] if none is meant"
        )
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        *("::1", "2001:db8::8000", "2001:db8::10:5", "2001:db8::1:0800", "[2001:db8::10:8000]"),
        *("[2001:db8::10]:8000", "2001:db8:0:0:0:0:10:8000", "10.0.0.1:8000", "a:8000"),
    ],
)
def test_other_addresses_are_not(endpoint: str) -> None:
    assert warnings(backends(f"{{endpoint: '{endpoint}'}}")) == []


def test_a_version_to_come_is_read_with_a_warning() -> None:
    config = CANONICAL.replace("v0.3", "v0.5")

    assert gateway(config) == gateway(CANONICAL)
    assert warnings(config) == [
        "1:10: warning: version: is not known here and read as v0.3; check the result"
    ]


def test_a_version_may_be_left_out() -> None:
    assert gateway(CANONICAL.replace("version: v0.3\n", "")) == gateway(CANONICAL)
    assert warnings(CANONICAL.replace("version: v0.3\n", "")) == []


def test_the_settings_name_endpoints_by_their_model() -> None:
    config = backends("{endpoint: a}", "{name: far, endpoint: b}")

    [model] = gateway(config, "endpoints: {m_far: {priority: 1, zone: dc2}}").models

    assert [(each.priority, each.zone) for each in model.endpoints] == [(0, ""), (1, "dc2")]


def test_references_are_to_the_given_environment() -> None:
    config = """\
version: v0.3
listeners: [{name: l, address: "${ADDRESS:-::1}", port: 1, api_keys: ["$KEY", "$$KEY"]}]
providers:
  models:
    - {name: m, backend_refs: [{endpoint: "${HOST}:$PORT", api_key: $NOT_OURS, weight: 2}]}
routing:
  modelCards: [{name: m, description: costs $5, loras: [{name: "${LORA-sql}"}]}]
"""
    environment = {"HOST": "10.0.0.1", "PORT": "8000", "KEY": "sk-1", "ADDRESS": ""}

    served = load(Source("config.yaml", config.encode()), environment=environment).gateway

    assert served.listeners == (Listener("l", "::1", 1, api_keys=("sk-1", "$KEY")),)
    assert served.endpoints == (Endpoint("m_primary", "10.0.0.1", 8000, weight=2),)
    assert served.models[0].loras == ("sql",)


def test_a_server_that_is_spoken_to_in_two_ways_is_two_endpoints_of_the_gateway() -> None:
    one, other = "[{endpoint: 10.0.0.1:8000}]", "[{endpoint: 10.0.0.1:8000, protocol: https}]"
    found = gateway(canonical(one=one, other=other))

    assert sorted(each.tls for each in found.endpoints) == [False, True]
