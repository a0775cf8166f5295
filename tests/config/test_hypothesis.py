"""Whatever two files hold, the answer is a sound gateway or mistakes with their places."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xds.config.document import Document
from xds.config.fields import MAX_WEIGHT
from xds.config.gateway import Endpoint, Gateway
from xds.config.load import Source, load
from xds.config.problems import ConfigError, Path, Problem

# Time is no property of a configuration; a slow machine is no mistake.
UNHURRIED = settings(deadline=None, max_examples=200)

CONFIG: dict[str, Any] = {
    "vllm_endpoints": [
        {"name": "a", "address": "10.0.0.1", "port": 8000, "weight": 3},
        {"name": "b", "address": "2001:db8::1", "port": 8000, "protocol": "http"},
        {"name": "c", "address": "10.0.0.3", "port": 8000, "weight": 0},
    ],
    "model_config": {
        "qwen3": {"preferred_endpoints": ["a", "c"], "loras": [{"name": "sql"}]},
        "llama": {"reasoning_family": "llama"},
    },
    "default_model": "sql",
    "semantic_cache": {"enabled": True},
}
SETTINGS: dict[str, Any] = {
    "listener": {"address": "127.0.0.1", "port": 8801},
    "routing": {"model_header": "x-selected-model", "unknown_model": "reject"},
    "allow_domain_names": True,
    "resilience": {
        "lb_policy": "least_request",
        "outlier_detection": {"consecutive_5xx": 5, "interval": "10s"},
        "health_check": {"path": "/health", "timeout": "500ms"},
        "retry": {"on": "reset", "attempts": 2},
        "circuit_breaker": {"max_requests": 10},
        "timeout": {"request": "5m", "connect": "1s"},
    },
    "endpoints": {"b": {"priority": 1, "zone": "dc2"}},
    "models": {"llama": {"resilience": {"retry": {"attempts": 0}}}},
}

USER: dict[str, Any] = {
    "version": "v0.1",
    "listeners": [{"name": "l", "address": "::", "port": 8899, "timeout": "300s"}],
    "providers": {
        "models": [
            {
                "name": "qwen3",
                "endpoints": [
                    {"name": "a", "endpoint": "10.0.0.1:8000/v1", "weight": 3},
                    {"name": "b", "endpoint": "[::1]", "protocol": "https", "weight": 1},
                ],
                "loras": [{"name": "sql"}],
                "access_key": "sk-1",
            },
            {"name": "llama", "endpoints": []},
        ],
        "default_model": "sql",
    },
}
CANONICAL: dict[str, Any] = {
    "version": "v0.3",
    "listeners": [
        {"name": "l", "address": "::", "port": 8899, "api_keys": ["sk-1", "${SET:-sk-2}"]},
        {"name": "m", "address": "::1", "port": 8899, "timeout": "0s"},
    ],
    "providers": {
        "defaults": {"default_model": "sql"},
        "models": [
            {
                "name": "qwen3",
                "backend_refs": [
                    {"name": "b", "endpoint": "vllm.example.com:8000", "weight": 3},
                    {"base_url": "https://[::1]/v1", "provider": "openai", "api_key": "sk-3"},
                ],
                "reliability": {"retry_count": 2, "health_check_path": "/health"},
            },
            {"name": "llama", "backend_refs": [{"endpoint": "$HOST:80"}]},
        ],
    },
    "routing": {"modelCards": [{"name": "qwen3", "loras": [{"name": "sql"}]}, {"name": "llama"}]},
}
NESTED_SETTINGS: dict[str, Any] = {
    "endpoints": {"qwen3_b": {"priority": 1}},
    "models": {"qwen3": {"resilience": {"retry": {"attempts": 0}}}},
}

HOSTILE = """\
a b qwen3 sql << ~ yes 5s 0s -1ms 1h https
10.0.0.1:80 http://10.0.0.1/v1 [::1]:80 ::1 vllm.example.com fe80::1%eth0
https://a/v2 http:// a:b:c $SET $UNSET ${SET:-x} ${ $$ v0.1 v0.3 backend_refs endpoints ConfigMap
"""

texts = st.text(max_size=20) | st.sampled_from(["", " ", *HOSTILE.split()])
numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 65535, 65536, MAX_WEIGHT, 2**32])
scalars = st.none() | st.booleans() | numbers | texts
structures = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | numbers, inner, max_size=4),
    max_leaves=12,
)
TOKENS = [
    *"[]{},'\"\\%~ \t\n017-+.:eaé\x00\ufeff",
    *("a: ", "b: ", "<<: ", "- ", "? ", "# ", "\n  ", "\r\n", "---\n", "...\n", "|\n", ">-"),
    *("&x ", "*x", "!!int ", "!!str ", "!y ", "0x", "0b", "0o"),
]
yaml_texts = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


def places(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Return every value inside a value, with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


@st.composite
def mutations(draw: st.DrawFn, original: dict[str, Any]) -> bytes:
    """Return a file in which some keys or values are others, missing or too many."""
    data = copy.deepcopy(original)
    for _ in range(draw(st.integers(0, 4))):
        paths = [path for path, _ in places(data) if path]
        if not paths:
            break
        steps: Any = draw(st.sampled_from(paths))
        *parents, last = steps
        owner: Any = data
        for step in parents:
            owner = owner[step]
        match draw(st.sampled_from(["replace", "remove", "repeat"])):
            case "replace":
                owner[last] = draw(structures)
            case "remove":
                del owner[last]
            case _ if isinstance(owner, list):
                owner.append(copy.deepcopy(owner[last]))
            case _:
                owner[draw(texts)] = copy.deepcopy(owner[last])
    return dumped(data)


def manifest(config: bytes) -> dict[str, Any]:
    return {"kind": "ConfigMap", "data": {"config.yaml": config.decode()}}


def dumped(data: object) -> bytes:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode()


def told(config: bytes, settings: bytes | None = None) -> tuple[Problem, ...]:
    """Return every mistake in two files; if there is none, their gateway is sound."""
    try:
        gateway = load(
            Source("config.yaml", config),
            None if settings is None else Source("settings.yaml", settings),
            environment={"SET": "value", "HOST": "10.0.0.1"},
        ).gateway
    except ConfigError as refused:
        problems = refused.problems
    else:
        assert_sound(gateway)
        return ()
    assert problems
    assert list(problems) == sorted(set(problems))
    for problem in problems:
        assert problem.file in {"config.yaml", "settings.yaml"}
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.text
        assert "sk-" not in problem.text
    return problems


def assert_sound(gateway: Gateway) -> None:
    endpoints = Counter(endpoint.name for endpoint in gateway.endpoints)
    models = Counter(name for model in gateway.models for name in (model.name, *model.loras))
    assert endpoints
    assert set(endpoints.values()) == {1}
    assert set(models.values()) <= {1}
    assert "" not in endpoints
    assert "" not in models
    assert all(1 <= endpoint.port <= 65535 for endpoint in gateway.endpoints)
    assert gateway.default_model is None or gateway.default_model in models
    servers = set(map(server, gateway.endpoints))
    for model in gateway.models:
        assert set(map(server, model.endpoints)) <= servers
        assert 1 <= sum(endpoint.weight for endpoint in model.endpoints) <= MAX_WEIGHT


def server(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint without what it is called by and how much it takes.

    A gateway has each server once, though a model may list it under several names.
    """
    return replace(endpoint, name="", weight=1, priority=0, zone="")


def test_what_the_mutations_start_from_is_right() -> None:
    assert told(dumped(CONFIG), dumped(SETTINGS)) == ()
    for config in (USER, CANONICAL, manifest(dumped(CANONICAL))):
        assert told(dumped(config), dumped(NESTED_SETTINGS)) == ()


@UNHURRIED
@given(st.binary(max_size=200), st.none() | st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(config: bytes, own: bytes | None) -> None:
    told(config, own)


@UNHURRIED
@given(yaml_texts)
def test_any_text_is_understood_or_refused(text: str) -> None:
    told(text.encode())
    told(b"vllm_endpoints: " + text.encode())
    told(dumped(CONFIG), text.encode())


@UNHURRIED
@given(st.text(alphabet="0178+-.:exbonaif", min_size=1, max_size=8))
def test_anything_like_a_number_is_understood_or_refused(scalar: str) -> None:
    told(f"vllm_endpoints: [{{name: a, address: 10.0.0.1, port: {scalar}}}]".encode())
    told(dumped(CONFIG), f"resilience: {{timeout: {{connect: {scalar}s}}}}".encode())


@UNHURRIED
@given(structures, structures)
def test_any_structure_is_understood_or_refused(config: object, own: object) -> None:
    told(dumped(config), dumped(own))
    told(dumped({"vllm_endpoints": config, "model_config": own}), dumped({"resilience": own}))


@UNHURRIED
@given(mutations(CONFIG), mutations(SETTINGS))
def test_any_change_of_right_files_is_understood_or_refused_where_it_stands(
    config: bytes, own: bytes
) -> None:
    lines = {
        "config.yaml": config.count(b"\n") + 1,
        "settings.yaml": own.count(b"\n") + 1,
    }

    for problem in told(config, own):
        assert problem.line <= lines[problem.file]


ONE_SERVER_TWICE = copy.deepcopy(CANONICAL)
ONE_SERVER_TWICE["providers"]["models"][1]["backend_refs"] *= 2


@UNHURRIED
@example(dumped(ONE_SERVER_TWICE), dumped(NESTED_SETTINGS))
@given(mutations(USER) | mutations(CANONICAL), mutations(NESTED_SETTINGS))
def test_so_is_any_change_of_files_of_the_newer_forms(config: bytes, own: bytes) -> None:
    assert all(
        problem.line <= (config if problem.file == "config.yaml" else own).count(b"\n") + 1
        for problem in told(config, own)
    )


@UNHURRIED
@given(structures, structures)
def test_any_structure_of_the_newer_forms_is_understood_or_refused(
    models: object, other: object
) -> None:
    for version in ("v0.1", "v0.3"):
        told(dumped({"version": version, "providers": {"models": models}, "listeners": other}))
        told(dumped({"version": version, "providers": {"models": [models]}, "routing": other}))
        told(dumped({"version": other, "providers": models}))


@UNHURRIED
@given(mutations(CONFIG) | yaml_texts.map(str.encode), st.sampled_from(["|", "|2", ">"]))
def test_so_is_any_file_in_a_manifest(config: bytes, style: str) -> None:
    lines = config.decode().replace("\n", "\n    ")
    text = f"kind: ConfigMap\ndata:\n  config.yaml: {style}\n    {lines}\n"

    for problem in told(text.encode()):
        assert problem.line <= text.count("\n") + 1
    told(dumped(manifest(config)))


printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Zl", "Zp"]), max_size=20
)
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(printable, inner, max_size=4),
    max_leaves=20,
)


@UNHURRIED
@given(st.dictionaries(printable, jsons, max_size=4))
def test_json_is_yaml_and_every_value_in_it_has_its_place(data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False)
    document = Document.parse("config.json", text.encode())

    assert document.data == data
    for path, value in places(data):
        problem = document.problem(path, "wrong")
        assert problem.line == 1
        assert text[problem.column - 1 :].startswith(json.dumps(value, ensure_ascii=False))
