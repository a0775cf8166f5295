"""Whose time limit a route has: the model's own, the listener's, or the common one."""

import pytest

from translate.consistency import under
from xds.config.load import Source, load
from xds.translate import translate
from xds.translate.text import to_dict

CONFIG = """\
version: v0.3
listeners:
  - {{name: l, address: "::1", port: 1{timeout}}}
providers:
  models: [{{name: m, backend_refs: [{{endpoint: a}}]}}]
  defaults: {{default_model: m}}
"""
COMMON = "resilience: {timeout: {request: 100s, idle: 50s}}\n"
OWN = "models: {m: {resilience: {timeout: {request: 7s}}}}\n"


@pytest.mark.parametrize(
    ("listener", "settings", "request_and_idle"),
    [
        ("", "{}", ("300s", "300s")),
        ("", COMMON, ("100s", "50s")),
        ("", COMMON + OWN, ("7s", "50s")),
        (", timeout: 600s", COMMON, ("600s", "600s")),
        (", timeout: 600s", COMMON + OWN, ("7s", "600s")),
        (", timeout: 0s", COMMON, ("0s", "0s")),
    ],
)
def test_time_limits(listener: str, settings: str, request_and_idle: tuple[str, str]) -> None:
    config = CONFIG.format(timeout=listener)
    sources = Source("config.yaml", config.encode()), Source("settings.yaml", settings.encode())
    [routes] = translate(load(*sources).gateway).routes
    told = to_dict(routes)

    assert set(under("timeout", told)) == {request_and_idle[0]}
    assert set(under("idle_timeout", told)) == {request_and_idle[1]}


def test_the_connection_has_those_of_the_listener() -> None:
    config = CONFIG.format(timeout=", timeout: 600s")
    [listener] = translate(load(Source("config.yaml", config.encode())).gateway).listeners
    told = to_dict(listener)

    assert list(under("stream_idle_timeout", told)) == ["600s"]
    assert list(under("request_timeout", told)) == ["600s"]
