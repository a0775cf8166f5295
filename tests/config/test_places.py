"""How what stands at a place in a file is found."""

import pytest

from xds.config.places import at, replaced, standing
from xds.config.problems import Path

DATA = {"a": [{"n": 1}, {"n": None}, {"m": 2}, 5], "b": {"x": {"n": 3}, "y": []}, "*": 4}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), DATA),
        (("a", 0, "n"), 1),
        (("b", "x", "n"), 3),
        (("a", 4), None),
        (("a", "n"), None),
        (("a", 3, "n"), None),
        (("c", "n"), None),
    ],
)
def test_what_stands_at_a_path(path: Path, value: object) -> None:
    assert at(DATA, path) == value


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("a.*.n", [(("a", 0, "n"), 1), (("a", 1, "n"), None)]),
        ("b.*.n", [(("b", "x", "n"), 3)]),
        ("b.*", [(("b", "x"), {"n": 3}), (("b", "y"), [])]),
        ("b.y", [(("b", "y"), [])]),
        ("b.y.*", []),
        ("a.n", []),
        ("c.*.n", []),
    ],
)
def test_all_that_stands_at_a_kind_of_place(place: str, found: list[tuple[Path, object]]) -> None:
    assert standing(DATA, place) == found


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({}, {"a": [1], "b": [{"c": 2}, {}]}),
        ({("a",): 9}, {"a": 9, "b": [{"c": 2}, {}]}),
        ({("b", 0, "c"): 8, ("b", 1): 9}, {"a": [1], "b": [{"c": 8}, 9]}),
    ],
)
def test_what_is_replaced_stays_as_it_was(new: dict[Path, object], expected: object) -> None:
    value = {"a": [1], "b": [{"c": 2}, {}]}

    assert replaced(value, new) == expected
    assert value == {"a": [1], "b": [{"c": 2}, {}]}
