"""The JSON Schemas: current, and of one mind with what reads the files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from xds.config.load import Source, load
from xds.config.problems import ConfigError
from xds.config.schema import config_schema, settings_schema

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
GOOD = sorted(case.name for case in CASES.iterdir() if not (case / "errors.txt").exists())
SETTINGS = [name for name in GOOD if (CASES / name / "settings.yaml").exists()]
CONFIG = Draft202012Validator(config_schema())
OWN = Draft202012Validator(settings_schema())


def wrong(validator: Draft202012Validator, text: str) -> list[str]:
    """Return where a file is not what the schema wants."""
    return sorted(error.json_path for error in validator.iter_errors(yaml.safe_load(text)))


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
        ("vllm_endpoints: [{name: a, address: 10.0.0.1, port: 0}]", "$.vllm_endpoints[0]"),
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


@pytest.mark.parametrize("duration", ["1s", "0.5s", "1.125m", "24h", "500ms", "5", "1.5ms", "s"])
def test_durations_are_the_same_to_both(duration: str) -> None:
    text = f"resilience: {{timeout: {{connect: {duration}}}}}"
    config = b"vllm_endpoints: [{name: a, address: 10.0.0.1, port: 1}]"
    try:
        load(Source("config.yaml", config), Source("settings.yaml", text.encode()))
    except ConfigError:
        assert wrong(OWN, text)
    else:
        assert not wrong(OWN, text)
