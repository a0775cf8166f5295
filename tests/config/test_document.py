"""How a YAML file becomes plain values that know where they stand."""

import codecs
from typing import Any

import pytest

from config.document_words import CONTROL, MEND, STRAY, data, errors
from xds.config.document import Document, kind
from xds.config.problems import Path

PLACES = """\
name: router
vllm_endpoints:
  - name: a
    port: 0
  - &b {name: b}
  - *b
  - - x
    - [y, z]
"a b": 1
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("a: 1\n", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("# first\n---\na: text # last\n...\n", {"a": "text"}),
        ("%YAML 1.1\n---\na: 1", {"a": 1}),
        ("a: [1, x, [true, ~]]", {"a": [1, "x", [True, None]]}),
        ("a:\n- b: 1\n  c: 2\n- d: {}\n- []\n", {"a": [{"b": 1, "c": 2}, {"d": {}}, []]}),
        ("a: !!map {b: !!seq [1]}", {"a": {"b": [1]}}),
        ('{"a": {"b": [1, 2.5, "c", null]}}', {"a": {"b": [1, 2.5, "c", None]}}),
        ("a: |\n  b\n  c\n", {"a": "b\nc\n"}),
        ("? a\n? b\n", {"a": None, "b": None}),
        ("'': 1", {"": 1}),
        ("ключ: 值", {"ключ": "值"}),
    ],
)
def test_plain_values(text: str, value: dict[str, Any]) -> None:
    assert data(text) == value


def test_keys_stay_text() -> None:
    assert data("3.50: a\non: b\n~: c\n0x1F: d\n2001-12-14: e") == {
        "3.50": "a",
        "on": "b",
        "~": "c",
        "0x1F": "d",
        "2001-12-14": "e",
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a: é".encode(), id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + "a: é".encode(), id="UTF-8 with a byte order mark"),
        pytest.param(codecs.BOM_UTF16_LE + "a: é".encode("utf-16-le"), id="UTF-16, LE"),
        pytest.param(codecs.BOM_UTF16_BE + "a: é".encode("utf-16-be"), id="UTF-16, BE"),
    ],
)
def test_every_encoding_of_yaml_is_understood(content: bytes) -> None:
    assert Document.parse("config.yaml", content).data == {"a": "é"}


def test_a_byte_order_mark_moves_no_place() -> None:
    assert errors(codecs.BOM_UTF8 + b"a: @x") == [f"1:4: not valid YAML: {STRAY}; {MEND}"]
    assert errors(codecs.BOM_UTF8 + b"a: \x07") == [f"1:4: {CONTROL}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ("a: &x\nb: *x", {"a": None, "b": None}),
        ("a: &x [1, 2]\nb: {c: *x}", {"a": [1, 2], "b": {"c": [1, 2]}}),
        ("a: &x {b: &y 1}\nc: [*x, *y]", {"a": {"b": 1}, "c": [{"b": 1}, 1]}),
        ("a: [&x 1, *x, &x 2, *x]", {"a": [1, 1, 2, 2]}),
        ("&x a: *x", {"a": "a"}),
    ],
)
def test_aliases_repeat_what_was_anchored_last(text: str, value: dict[str, Any]) -> None:
    assert data(text) == value


@pytest.mark.parametrize(
    ("merge", "value"),
    [
        ("{<<: *x}", {"port": 8000, "weight": 1}),
        ("{<<: *x, weight: 3}", {"port": 8000, "weight": 3}),
        ("{weight: 3, <<: *x}", {"port": 8000, "weight": 3}),
        ("{<<: [*y, *x]}", {"port": 9000, "weight": 1}),
        ("{<<: [*x, *y]}", {"port": 8000, "weight": 1}),
        ("{<<: {weight: 2}}", {"weight": 2}),
        ("{<<: []}", {}),
        ("{'<<': 1}", {"<<": 1}),
    ],
)
def test_merged_keys_yield_to_own_keys_and_to_those_of_earlier_mappings(
    merge: str, value: dict[str, Any]
) -> None:
    text = f"x: &x {{port: 8000, weight: 1}}\ny: &y {{port: 9000}}\nmerged: {merge}\n"

    assert data(text)["merged"] == value


def test_merging_leaves_what_is_merged_as_it_is() -> None:
    assert data("a: &x {b: 1}\nc: {<<: *x, b: 2, d: 3}\ne: *x") == {
        "a": {"b": 1},
        "c": {"b": 2, "d": 3},
        "e": {"b": 1},
    }


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "1:1", "1:1"),
        (("name",), "1:1", "1:7"),
        (("vllm_endpoints",), "2:1", "3:3"),
        (("vllm_endpoints", 0), "3:5", "3:5"),
        (("vllm_endpoints", 0, "name"), "3:5", "3:11"),
        (("vllm_endpoints", 0, "port"), "4:5", "4:11"),
        (("vllm_endpoints", 1), "5:5", "5:5"),
        (("vllm_endpoints", 1, "name"), "5:9", "5:15"),
        (("vllm_endpoints", 2), "6:5", "6:5"),
        (("vllm_endpoints", 3, 1, 1), "8:11", "8:11"),
        (("a b",), "9:1", "9:8"),
    ],
)
def test_a_problem_stands_at_its_key_or_its_value(path: Path, key: str, value: str) -> None:
    parsed = Document.parse("config.yaml", PLACES.encode())
    at_key, at_value = parsed.problem(path, "", key=True), parsed.problem(path, "")

    assert f"{at_key.line}:{at_key.column}" == key
    assert f"{at_value.line}:{at_value.column}" == value


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("missing",), "1:1: missing"),
        (("missing", 3, "deep"), "1:1: missing[3].deep"),
        (("name", "below"), "1:7: name.below"),
        (("vllm_endpoints", 7), "3:3: vllm_endpoints[7]"),
        (("vllm_endpoints", 0, "address"), "3:5: vllm_endpoints[0].address"),
        (("vllm_endpoints", 1, "port"), "5:5: vllm_endpoints[1].port"),
        pytest.param(
            ("vllm_endpoints", 2, "name"), "6:5: vllm_endpoints[2].name", id="behind an alias"
        ),
    ],
)
def test_what_is_missing_is_missing_from_the_nearest_parent(
    path: Path, place: str, *, key: bool
) -> None:
    parsed = Document.parse("config.yaml", PLACES.encode())

    assert str(parsed.problem(path, "wrong", key=key)) == f"config.yaml:{place}: wrong"


def test_what_was_merged_stands_where_it_is_merged() -> None:
    parsed = Document.parse("config.yaml", b"a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n")

    assert str(parsed.problem(("c", "b"), "wrong")) == "config.yaml:3:3: c.b: wrong"


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        (("a", "b"), "a.b"),
        (("a_1", "b-2"), "a_1.b-2"),
        (("a", 0, 1), "a[0][1]"),
        (("model_config", "qwen3.5"), 'model_config["qwen3.5"]'),
        (("model_config", "3"), 'model_config["3"]'),
        (("", "a b", "c"), '[""]["a b"].c'),
    ],
)
def test_paths_are_spelled_as_a_person_would(path: Path, spelled: str) -> None:
    assert Document.parse("config.yaml", b"{}").problem(path, "").path == spelled


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "true"),
        (False, "false"),
        (8000, "the number 8000"),
        (1.5, "the number 1.5"),
        ("8000", 'the string "8000"'),
        ("", 'the string ""'),
        ("a" * 60, f'the string "{"a" * 60}"'),
        ("a" * 61, f'the string "{"a" * 57}..."'),
        ([], "an empty list"),
        ([1], "a list"),
        ({}, "a mapping"),
    ],
)
def test_values_are_told_in_words(value: object, words: str) -> None:
    assert kind(value) == words
