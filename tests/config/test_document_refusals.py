"""Which YAML files are refused, and in which words."""

import re

import pytest
import yaml

from config.document_words import CONTROL, MEND, STRAY, data, errors
from xds.config import document
from xds.config.document import Document
from xds.config.problems import ConfigError
from xds.config.tree import MAX_ALIASES, MAX_DEPTH, MAX_EXPANDED, Builder

RIGHT = "write keys with values, such as `key: value`"


NO_TEXT = "this is not text in UTF-8; write a YAML file"


NO_KEY = "a key must be text; write a plain word"


TOO_DEEP = f"more than {MAX_DEPTH} levels deep; write it flatter"


def nested(levels: int) -> str:
    """Return a mapping with lists inside, so many levels in all."""
    return "key: " + "[" * (levels - 1) + "]" * (levels - 1)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the file is empty"),
        (" \n \n", "the file is empty"),
        ("- name: a\n", "the file is a list"),
        ("[]", "the file is an empty list"),
        ("8000", "the file is the number 8000"),
        ("vllm_endpoints", 'the file is the string "vllm_endpoints"'),
        ("name:a", 'the file is the string "name:a"'),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(text: str, wrong: str) -> None:
    assert errors(text) == [f"1:1: {wrong}; {RIGHT}"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "a: [1, 2\nb: 3\n",
            "2:2: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'",
        ),
        ("a: b: c", "1:5: not valid YAML: mapping values are not allowed in this context"),
        (
            "a: 'text",
            "1:9: not valid YAML: while scanning a quoted scalar, found unexpected end of stream",
        ),
        (
            'a: "\\q"',
            "1:5: not valid YAML: while parsing a quoted scalar, found unknown escape character",
        ),
        (
            "a: 1\n- b",
            "2:1: not valid YAML: while parsing a block mapping, did not find expected key",
        ),
        (
            "é: é\né: @x",
            f"2:4: not valid YAML: {STRAY}",
        ),
    ],
)
def test_text_that_is_no_yaml_is_refused_where_it_ends_to_be(text: str, wrong: str) -> None:
    assert errors(text) == [f"{wrong}; {MEND}"]


@pytest.mark.parametrize(("text", "place"), [("a:\n\t- b", "2:1"), ("é:\n  b: 1\n\tc: 1", "3:1")])
def test_a_tab_is_told_by_its_name(text: str, place: str) -> None:
    wrong = "a tab, with which YAML can not be indented; write spaces"
    assert errors(text) == [f"{place}: {wrong}"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            ["3:1: a: is a duplicate key, already written at 1:1; keep one of the two"],
        ),
        (
            "a: 1\n'a': 2\n",
            ["2:1: a: is a duplicate key, already written at 1:1; keep one of the two"],
        ),
        (
            "a: 1\r\na: 2\r\na: 3\r\n",
            [
                "2:1: a: is a duplicate key, already written at 1:1; keep one of the two",
                "3:1: a: is a duplicate key, already written at 1:1; keep one of the two",
            ],
        ),
        (
            "x:\n  - {k: 1}\n  - k: 1\n    k: 2\n",
            ["4:5: x[1].k: is a duplicate key, already written at 3:5; keep one of the two"],
        ),
        (
            "b: {'a b': {}, 'a b': {}}\nc: []\nc: []\n",
            [
                '1:16: b["a b"]: is a duplicate key, already written at 1:5; keep one of the two',
                "3:1: c: is a duplicate key, already written at 2:1; keep one of the two",
            ],
        ),
    ],
)
def test_a_key_that_is_written_twice_points_to_both_places(text: str, lines: list[str]) -> None:
    assert errors(text) == lines


@pytest.mark.parametrize("end", ["---", "---\n", "---\n# nothing\n", "---\n---\n", "...\n---\n"])
def test_a_last_document_with_nothing_in_it_is_none(end: str) -> None:
    assert data(f"a: [1]\n{end}") == {"a": [1]}


def test_the_same_key_in_two_mappings_is_no_duplicate() -> None:
    assert data("a: {k: 1}\nb: {k: 2, c: {k: 3}}") == {"a": {"k": 1}, "b": {"k": 2, "c": {"k": 3}}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\n---\nb: 2\n", "2:1"),
        ("a: 1\n---\n''\n", "2:1"),
        ("a: 1\n---\n&x\n", "2:1"),
        ("a: 1\n---\n---\n[]\n", "3:1"),
        ("---\na: 1\n...\n---\nb: 2", "4:1"),
    ],
)
def test_a_second_document_is_refused(text: str, place: str) -> None:
    assert errors(text) == [
        f"{place}: a second YAML document begins; keep one document in the file"
    ]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a: \xff", "1:4"),
        (b"\x80", "1:1"),
        (b"a: 1\nb: caf\xe9\n", "2:7"),
        (b"a: 1\n\n\nb: \xc3", "4:4"),
        (b"a: \xed\xa0\x80", "1:4"),
    ],
)
def test_bytes_that_are_no_text_are_refused_where_they_stand(content: bytes, place: str) -> None:
    assert errors(content) == [f"{place}: {NO_TEXT}"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\x00", "1:1"),
        ("a: \x07b", "1:4"),
        ("a: 1\nb: x\x1b[31m", "2:5"),
        ("a: 1\nb: '\x7f'", "2:5"),
        ("a: \ufffe", "1:4"),
    ],
)
def test_control_characters_are_refused_where_they_stand(text: str, place: str) -> None:
    assert errors(text) == [f"{place}: {CONTROL}"]


def test_64_levels_are_enough() -> None:
    value = data(nested(MAX_DEPTH))["key"]

    for _ in range(MAX_DEPTH - 2):
        [value] = value
    assert value == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(nested(MAX_DEPTH + 1), "1:69", id="65 levels"),
        pytest.param(nested(100_001), "1:69", id="100,000 lists in a mapping"),
        pytest.param("[" * 100_000, "1:65", id="100,000 open brackets"),
        pytest.param("{a: " * 100_000, "1:257", id="100,000 open braces"),
        pytest.param("- " * 100_000, "1:129", id="100,000 dashes"),
    ],
)
def test_more_than_64_levels_are_refused(text: str, place: str) -> None:
    assert errors(text) == [f"{place}: {TOO_DEEP}"]


def test_64_levels_are_counted_with_aliases_expanded() -> None:
    chain = "a0: &a0 {}\n" + "".join(
        f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, MAX_DEPTH)
    )

    assert errors(chain) == [f"64:12: {TOO_DEEP}"]


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 30)
    )

    assert errors(bomb) == [
        f"7:25: the aliases expand to more than {MAX_EXPANDED} values; write them out"
    ]


def test_a_bomb_of_merged_lists_is_refused() -> None:
    bomb = "a0: &a0 {x: [1, 2]}\n" + "".join(
        f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n"
        for level in range(1, 30)
    )

    [line] = errors(bomb)
    assert f"the aliases expand to more than {MAX_EXPANDED} values; write them out" in line


@pytest.mark.parametrize(
    ("level", "wrong"),
    [
        ("[{}]", f"the aliases expand to more than {MAX_EXPANDED} values; write them out"),
        ("{{<<: [{}]}}", f"the aliases expand to more than {MAX_EXPANDED} values; write them out"),
    ],
)
def test_10_mb_of_nested_aliases_are_refused_before_most_of_them_are_read(
    level: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0
    take = Builder.take

    def counted(builder: Builder, event: yaml.Event) -> None:
        nonlocal taken
        taken += 1
        take(builder, event)

    monkeypatch.setattr(Builder, "take", counted)
    bomb = "a0: &a0 {x: y}\n" + "".join(
        f"a{depth}: &a{depth} {level.format(', '.join([f'*a{depth - 1}'] * 40_000))}\n"
        for depth in range(1, 50)
    )
    assert len(bomb) > 9_000_000

    [line] = errors(bomb)
    assert line.endswith(wrong)
    assert taken < 100_000


def test_more_aliases_than_anyone_writes_are_refused() -> None:
    line = f"a: &a x\nb: [{'*a, ' * (MAX_ALIASES + 1)}]\n"

    assert errors(line) == [
        f"2:{4 * MAX_ALIASES + 5}: more than {MAX_ALIASES} aliases; write out what they repeat"
    ]


def test_an_alias_to_nothing_is_refused() -> None:
    assert errors("a: 1\nb: *x\n") == ["2:4: the alias *x has no anchor &x before it; add one"]


@pytest.mark.parametrize(
    ("text", "place"), [("a: &x [*x]", (1, 8)), ("a: &x\n  b: 1\n  c: *x\n", (3, 6))]
)
def test_an_alias_to_what_it_stands_in_is_refused(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(ConfigError) as refused:
        data(text)

    [problem] = refused.value.problems
    assert (problem.line, problem.column) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("? [a]\n: 1", "1:3"),
        ("? {a: 1}\n: 1", "1:3"),
        ("[a]: 1", "1:1"),
        ("x:\n  {a: 1}: 2", "2:3"),
        ("a: &x [1]\n*x : 2", "2:1"),
    ],
)
def test_keys_that_are_no_text_are_refused(text: str, place: str) -> None:
    assert errors(text) == [f"{place}: {NO_KEY}"]


@pytest.mark.parametrize("merged", ["5", "", "text", "&x"])
def test_only_mappings_are_merged(merged: str) -> None:
    assert errors(f"a: {{<<: {merged}}}") == ["1:9: << merges mappings; give it one, or a list"]


def test_a_list_of_anything_else_is_not_merged() -> None:
    [line] = errors("a:\n  <<: [{b: 1}, 5]")

    assert line.startswith("2:")
    assert line.endswith(": << merges mappings; give it one, or a list")


def test_an_unknown_tag_is_refused_where_it_stands() -> None:
    assert errors("a: 1\nb:\n  - !!python/object/apply:os.system 'x'\n") == [
        "3:5: the tag !!python/object/apply:os.system is not understood here; leave it out"
    ]


def test_a_file_above_the_limit_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert document.MAX_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr(document, "MAX_BYTES", 8)

    assert data("a: 12345") == {"a": 12345}
    with pytest.raises(ConfigError) as refused:
        data("[}123456]")
    assert str(refused.value) == "config.yaml: the file has more than 8 bytes; split it"


@pytest.mark.parametrize("text", ["# all of it\n# left out\n", "---\n...\n", "null"])
def test_a_file_that_says_nothing_is_a_mapping_of_nothing(text: str) -> None:
    assert Document.parse("config.yaml", text.encode()).data == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: !!python/object:os.system {}", "the tag !!python/object:os.system is not understood"),
        ("a: !foo [1]", "the tag !foo is not understood"),
        ("a: !!map [1]", "the tag !!map is not understood"),
        ("!!foo k: 1", "the tag !!foo is not understood"),
        ("a: !!int x", "what stands here is no !!int; leave the tag out"),
        ("a: &x [*x]", "the alias *x stands inside what it repeats; write it out"),
        ("b: {<<: {a: 1}, <<: {a: 2}}", "is a duplicate key, already written at 1:5"),
    ],
)
def test_what_a_configuration_can_not_hold_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        Document.parse("config.yaml", text.encode())


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("# 配置文件\na: \x07\nb: 1\n".encode(), "2:4"),
        ("é: é\né: \x00".encode(), "2:4"),
        (b"\xc3\xa4: 1\nb: \xc3\xa4\xff", "2:5"),
    ],
)
def test_places_are_counted_in_characters(content: bytes, place: str) -> None:
    with pytest.raises(ConfigError, match=f"^config.yaml:{place}: "):
        Document.parse("config.yaml", content)


def test_numbers_that_python_would_not_write_down_stay_text() -> None:
    hexadecimal = "0x" + "f" * 3600
    text = f"a: {hexadecimal}\nb: 1_\nc: 1__0\nd: 1_.5"

    assert Document.parse("config.yaml", text.encode()).data == {
        "a": hexadecimal,
        "b": 1,
        "c": 10,
        "d": 1.5,
    }
