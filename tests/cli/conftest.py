"""What the tests of the command line share: a folder, and commands that are ended with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.console import BAD, GOOD, Xds


@pytest.fixture
def xds(tmp_path: Path) -> Iterator[Xds]:
    """Return the command in a folder with a good and a bad configuration."""
    console = Xds(tmp_path)
    console.write("good.yaml", GOOD)
    console.write("bad.yaml", BAD)
    try:
        yield console
    finally:
        console.kill()
