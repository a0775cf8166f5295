"""What is told though the file can be used, and how it differs from a mistake."""

import pytest

from xds.config.load import Source, load
from xds.config.problems import ConfigError
from xds.translate.routes import path_rewrite

LEFT_OVERS = b"""\
vllm_endpoints:
  - name: a
    address: 10.0.0.1
    port: 8000
    health_check_path: /health
    models: [qwen3]
"""
WARNINGS = [
    (
        "config.yaml:5:5: warning: vllm_endpoints[0].health_check_path: does not check anything, "
        "since September 2025; write `resilience: {health_check: {path: ...}}` in the settings"
    ),
    (
        "config.yaml:6:5: warning: vllm_endpoints[0].models: does not choose what is sent here, "
        "since October 2025; name this endpoint in `preferred_endpoints` of each model in "
        "`model_config`"
    ),
]


def test_left_overs_of_old_files_are_accepted_with_a_warning_each() -> None:
    loaded = load(Source("config.yaml", LEFT_OVERS))

    assert [endpoint.name for endpoint in loaded.gateway.endpoints] == ["a"]
    assert [str(warning) for warning in loaded.warnings] == WARNINGS


def test_strictly_warnings_are_errors() -> None:
    with pytest.raises(ConfigError) as refused:
        load(Source("config.yaml", LEFT_OVERS), strict=True)

    assert str(refused.value).splitlines() == [line.replace("warning: ", "") for line in WARNINGS]


def test_warnings_are_told_beside_errors_and_as_warnings() -> None:
    with pytest.raises(ConfigError) as refused:
        load(Source("config.yaml", LEFT_OVERS.replace(b"8000", b"0")))

    assert str(refused.value).splitlines() == [
        (
            "config.yaml:4:11: vllm_endpoints[0].port: is the number 0; "
            "write a whole number from 1 to 65535"
        ),
        *WARNINGS,
    ]


def test_a_listener_of_the_settings_is_not_used_beside_those_of_the_file() -> None:
    config = b"""\
version: v0.3
listeners: [{name: l, address: "::1", port: 1}]
providers: {models: [{name: m, backend_refs: [{endpoint: a}]}]}
"""
    settings = Source("settings.yaml", b"routing: {}\nlistener: {port: 80}\n")
    beside = load(Source("config.yaml", config), settings)
    alone = load(Source("config.yaml", config.replace(b"listeners", b"setup")), settings)

    assert [str(warning) for warning in beside.warnings] == [
        (
            "settings.yaml:2:1: warning: listener: is not used: "
            "config.yaml has `listeners` of its own; leave it out"
        )
    ]
    assert [listener.port for listener in alone.gateway.listeners] == [80]
    assert alone.warnings == ()


PATHS = b"""\
version: v0.3
providers:
  models: [{name: m, backend_refs: [{name: a, endpoint: a/v2}, {name: b, endpoint: b/v3}]}]
"""
ROUTER = b"router: {address: 127.0.0.1, port: 50051}\n"


def test_paths_may_differ_where_the_router_writes_them() -> None:
    with pytest.raises(ConfigError, match="have different paths"):
        load(Source("config.yaml", PATHS))
    loaded = load(Source("config.yaml", PATHS), Source("settings.yaml", ROUTER))

    assert [str(warning).partition(": the endpoints")[0] for warning in loaded.warnings] == [
        "config.yaml:3:11: warning: providers.models",
        "config.yaml:3:36: warning: providers.models[0].backend_refs",
    ]
    assert str(loaded.warnings[1]).endswith(
        'of model "m" have different paths, "/v2", "/v3"; '
        "the router has to write the right one into each request"
    )
    assert path_rewrite({"/v2"}) is not None
    assert path_rewrite({"/v2", "/v3"}) is None
