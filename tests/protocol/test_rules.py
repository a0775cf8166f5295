"""Every rule that can be tested is carried by a test."""

import re
from collections.abc import Iterator
from pathlib import Path

import xds.protocol

TESTS = Path(__file__).parents[1]
RULES = Path(xds.protocol.__path__[0]) / "RULES.md"
# What is kept by what a program publishes, what is not kept, and what there is nothing to keep of.
NOT_TESTED = {"G17b", "S12", "S13", "D14"}


def test_every_rule_is_carried_by_a_test() -> None:
    rules = set(re.findall(r"^\| (\w+) \|", RULES.read_text(), re.MULTILINE)) - {"id"}
    carried = {rule for line in words() for rule in re.findall(r"\b[GSDOW]\d+a?\b", line)}

    assert rules - carried == NOT_TESTED


def test_every_family_of_bugs_that_others_had_has_a_test_of_its_own() -> None:
    carried = {int(number) for line in words() for number in re.findall(r"family (\d+)", line)}

    assert carried == set(range(1, 16))


def words() -> Iterator[str]:
    """Return what stands in comments and docstrings of the engine's tests."""
    for folder in (".", "protocol", "server"):
        for path in TESTS.joinpath(folder).glob("test_*.py"):
            yield from re.findall(r"#.*|\"\"\".*", path.read_text())
