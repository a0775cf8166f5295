"""How what stands at a place in a file is found."""

import pytest

from xds.config.places import at, standing, values
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
    assert values(DATA, place) == [value for _, value in found]
