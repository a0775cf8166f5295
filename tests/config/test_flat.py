"""What a flat configuration that is right says."""

from datetime import timedelta

import pytest

from config.flat_words import THREE, endpoints, gateway
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

A = Endpoint("gpu_cluster_a", "10.0.1.10", 8000)


B = Endpoint("gpu_cluster_b", "10.0.2.10", 8000, weight=3)


SPARE = Endpoint("spare", "10.0.3.10", 8000, weight=0)


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
        Endpoint("a", "vllm.example.com", 8000),
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
"""
    models = "model_config: {qwen3: {pricing: {currency: USD}, pii_policy: {}, score: x}}\n"
    items = "{name: a, address: 10.0.0.1, port: 80, type: vllm, models: [x], api_key: k, note: n}"

    assert gateway(noise + endpoints(items) + models) == gateway(
        endpoints("{name: a, address: 10.0.0.1, port: 80}") + "model_config: {qwen3: {}}"
    )
