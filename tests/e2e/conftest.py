"""The Envoy of the worlds: the newest packaged one, or the one that the environment asks for."""

import os
from collections.abc import Iterator

import pytest

from e2e.envoys import CHOICE, NEWEST


@pytest.fixture(scope="module", autouse=True)
def envoy_version() -> Iterator[str]:
    """Give the worlds of a module an Envoy; a fixture with a world for all of it asks for this."""
    version = os.environ.get(CHOICE, NEWEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CHOICE, version)
        yield version
