"""What a YAML scalar means: the text of a file in, a plain value out."""

import math

import pytest

from xds.config.document import Document
from xds.config.problems import ConfigError
from xds.config.scalars import Scalar, plain

FAR_TOO_LONG = "9" * 4001


def meaning(scalar: str) -> tuple[type, object]:
    """Return the type and the value of a scalar, as 1, 1.0 and True are equal to each other."""
    value = Document.parse("config.yaml", f"key: {scalar}\n".encode()).data["key"]
    return type(value), value


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("8000", 8000),
        ("+8000", 8000),
        ("-1", -1),
        ("4294967296", 4294967296),
        ("1_000_000", 1000000),
        ("0x1F40", 8000),
        ("0x1f_40", 8000),
        ("-0x10", -16),
        ("0b101", 5),
        ("-0b1_01", -5),
        ("0o17", 15),
        ("+0o17", 15),
        ("017", 15),
        ("-017", -15),
        ("0_17", 15),
        ("00", 0),
    ],
)
def test_whole_numbers(scalar: str, value: int) -> None:
    assert meaning(scalar) == (int, value)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("+1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("0.0", 0.0),
        ("09.5", 9.5),
        ("1_000.5", 1000.5),
        (".5_5", 0.55),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1.5e+3", 1500.0),
        ("1.5e-3", 0.0015),
        ("1_0e3", 10000.0),
        ("3.10", 3.1),
        (".inf", math.inf),
        (".Inf", math.inf),
        ("+.INF", math.inf),
        ("-.inf", -math.inf),
        ("1e400", math.inf),
    ],
)
def test_fractions(scalar: str, value: float) -> None:
    assert meaning(scalar) == (float, value)


@pytest.mark.parametrize("scalar", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_number(scalar: str) -> None:
    value = plain(scalar)

    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("scalars", "value"),
    [
        ("true True TRUE yes Yes YES on On ON", True),
        ("false False FALSE no No NO off Off OFF", False),
        ("~ null Null NULL", None),
    ],
)
def test_words_that_are_no_text(scalars: str, value: bool | None) -> None:  # noqa: FBT001
    assert {meaning(scalar) for scalar in scalars.split()} == {(type(value), value)}


def test_nothing_is_null() -> None:
    assert meaning("") == (type(None), None)
    assert meaning("# a comment") == (type(None), None)


@pytest.mark.parametrize(
    "scalar",
    [
        "qwen3",
        "y",
        "N",
        "tRUE",
        "nUll",
        "10.0.0.10",
        "2001:db8::1",
        "::1",
        "10s",
        "1d",
        "12:30",
        "190:20:30",
        "2001-12-14",
        "2001-12-14t21:59:43.10-05:00",
        "08",
        "0o8",
        "0b2",
        "0x",
        "0xg",
        "+",
        ".",
        "..",
        "1e",
        "e3",
        "_1",
        "._5",
        "inf",
        "nan",
        "-.nan",
        "\N{FULLWIDTH DIGIT ONE}",
        "=",
        "<<",
        pytest.param(FAR_TOO_LONG, id="a number of 4001 digits"),
    ],
)
def test_everything_else_is_text(scalar: str) -> None:
    assert meaning(scalar) == (str, scalar)


@pytest.mark.parametrize(
    ("scalar", "text"),
    [
        ("'8000'", "8000"),
        ('"true"', "true"),
        ("''", ""),
        ("'~'", "~"),
        ("'it''s'", "it's"),
        (r'"a\tb"', "a\tb"),
        ("|-\n  8000", "8000"),
        (">-\n  a\n  b", "a b"),
    ],
)
def test_quotes_and_blocks_make_text_of_anything(scalar: str, text: str) -> None:
    assert meaning(scalar) == (str, text)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("!!str 8000", "8000"),
        ("! 8000", "8000"),
        ("!!str", ""),
        ("!<tag:yaml.org,2002:str> true", "true"),
        ("!!int '8000'", 8000),
        ("!!int 0x1F", 31),
        ("!!float '1.5'", 1.5),
        ("!!float 5", 5),
        ("!!bool 'yes'", True),
        ("!!null ''", None),
    ],
)
def test_a_tag_says_what_a_scalar_is(scalar: str, value: Scalar) -> None:
    assert meaning(scalar) == (type(value), value)


@pytest.mark.parametrize(
    ("scalar", "tag"),
    [
        ("!!python/object:os.system x", "!!python/object:os.system"),
        ("!!python/name:os.system", "!!python/name:os.system"),
        ("!!timestamp 2001-12-14", "!!timestamp"),
        ("!!binary aGVsbG8=", "!!binary"),
        ("!secret x", "!secret"),
        ("!<tag:example.com,2026:x> x", "tag:example.com,2026:x"),
    ],
)
def test_a_tag_for_anything_else_is_refused(scalar: str, tag: str) -> None:
    with pytest.raises(ConfigError) as refused:
        meaning(scalar)

    assert str(refused.value) == (
        f"config.yaml:1:6: the tag {tag} is not understood here; leave it out"
    )


@pytest.mark.parametrize("scalar", ["!!int x", "!!int 1.5", "!!int", "!!bool 1", "!!null x"])
def test_a_tag_that_does_not_fit_its_scalar_is_refused(scalar: str) -> None:
    with pytest.raises(ConfigError) as refused:
        meaning(scalar)

    [problem] = refused.value.problems
    assert (problem.line, problem.column) == (1, 6)
