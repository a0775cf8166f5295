"""One fleet, written in each of the router's dialects, becomes the same resources."""

import pytest

from xds.config.load import Source, load
from xds.translate import Translation, translate

FLAT = """\
vllm_endpoints:
  - {name: gpu-a, address: 10.0.0.1, port: 8000, weight: 3}
  - {name: gpu-b, address: "2001:db8::2", port: 8000}
  - {name: spare, address: 10.0.0.3, port: 8000, weight: 0}
  - {name: own, address: 10.0.0.4, port: 8443, protocol: https}
  - {name: cloud, provider_profile: cloud}
provider_profiles:
  cloud: {type: openai, base_url: "https://api.example.com/v1"}
model_config:
  qwen3:
    preferred_endpoints: [gpu-a, gpu-b, spare, own]
    loras: [{name: sql}, {name: law}]
  llama:
    preferred_endpoints: [gpu-b]
  gpt:
    preferred_endpoints: [cloud]
"""
USER = """\
version: v0.1
providers:
  models:
    - name: qwen3
      endpoints:
        - {name: gpu-a, endpoint: "10.0.0.1:8000", weight: 3}
        - {name: gpu-b, endpoint: "[2001:db8::2]:8000/v1", weight: 1}
        - {name: spare, endpoint: "10.0.0.3:8000", weight: 0}
        - {name: own, endpoint: "10.0.0.4:8443", protocol: https}
      loras: [{name: sql}, {name: law}]
    - name: llama
      endpoints: [{name: gpu-b, endpoint: "[2001:db8::2]:8000", weight: 1}]
    - name: gpt
      endpoints: [{name: cloud, endpoint: "api.example.com", protocol: https}]
"""
CANONICAL = """\
version: v0.3
providers:
  models:
    - name: qwen3
      backend_refs:
        - {endpoint: "http://10.0.0.1:8000", weight: 3}
        - {endpoint: "[2001:db8::2]:8000"}
        - {endpoint: "10.0.0.3:8000", weight: 0}
        - {base_url: "https://10.0.0.4:8443"}
    - name: llama
      backend_refs: [{endpoint: "[2001:db8::2]:8000"}]
    - name: gpt
      backend_refs: [{base_url: "https://api.example.com/v1", provider: openai}]
routing:
  modelCards:
    - {name: qwen3, loras: [{name: sql}, {name: law}]}
    - {name: llama}
    - {name: gpt}
"""
DEFAULTS = {
    FLAT: "default_model: sql\n",
    USER: "  default_model: sql\n",
    CANONICAL: "  defaults: {default_model: sql}\n",
}
SETTINGS = b"""\
resilience: {retry: {attempts: 1}, health_check: {path: /health}}
models: {llama: {resilience: {lb_policy: least_request}}}
routing: {unknown_model: reject}
"""


def translated(config: str) -> Translation:
    sources = Source("config.yaml", config.encode()), Source("settings.yaml", SETTINGS)
    return translate(load(*sources).gateway)


@pytest.mark.parametrize("dialect", [USER, CANONICAL])
def test_with_a_default_model_and_without(dialect: str) -> None:
    assert translated(dialect) == translated(FLAT)
    assert translated(with_default(dialect)) == translated(with_default(FLAT))
    assert translated(with_default(FLAT)) != translated(FLAT)


def with_default(config: str) -> str:
    head, routing, tail = config.partition("routing:\n")
    return head + DEFAULTS[config] + routing + tail
