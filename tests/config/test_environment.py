"""How references to environment variables are filled in: as the router's own code does it."""

import pytest

from xds.config.environment import UnsetVariableError, expand, filled, variables

SET = {"A": "1", "B_2": "two", "EMPTY": "", "2": "digit"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x$A-y", "x1-y"),
        ("$B_2.$2", "two.digit"),
        ("${A}${A}", "11"),
        ("$EMPTY", ""),
        ("${A:-d}", "1"),
        ("${EMPTY:-d}", "d"),
        ("${NO:-d}", "d"),
        ("${NO:-}", ""),
        ("${NO:-http://x:80}", "http://x:80"),
        ("${EMPTY-d}", ""),
        ("${NO-d-e}", "d-e"),
        ("${}", ""),
        ("$$A", "$A"),
        ("$$$A", "$1"),
        ("100$", "100$"),
        ("$-", "$-"),
        ("${A", "${A"),
    ],
)
def test_references(text: str, value: str) -> None:
    assert expand(text, SET) == value


@pytest.mark.parametrize("text", ["$NO", "${NO}", "a ${NO} b", "$A$NO"])
def test_a_variable_that_is_not_set(text: str) -> None:
    with pytest.raises(UnsetVariableError) as unset:
        expand(text, SET)
    assert unset.value.name == "NO"


def test_the_variables_of_a_text() -> None:
    assert variables("$A $$B ${C:-$D}${E-} ${} 5$ ${F}") == ["A", "C", "E", "F"]


def test_only_some_keys_are_filled_in() -> None:
    data = {"name": "$A", "list": [{"name": "$NO"}, "$A", 5], "free": "$A and $NO"}

    assert filled(data, SET, {"name", "list"}) == (
        {"name": "1", "list": [{"name": "$NO"}, "1", 5], "free": "$A and $NO"},
        {("list", 0, "name"): "NO"},
    )
