"""The Envoys to test with: the newest packaged one, or another that is installed beside it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from xds.dataplane import find_envoy

NEWEST: Final = "1.40"
# Which one a world has.
CHOICE: Final = "XDS_TEST_ENVOY"


def installed(version: str) -> Path:
    """Return the Envoy of a version such as "1.40"; `make test` installs them all."""
    older = Path(sys.prefix, f"envoy-{version}", "envoy", "_bin", "envoy")
    binary = find_envoy() if version == NEWEST else older
    assert binary.is_file(), f"there is no Envoy {version} at {binary}; `make test` puts it there"
    return binary


def chosen() -> Path:
    """Return the Envoy that the environment asks for."""
    return installed(version())


def version() -> str:
    """Return which Envoy the environment asks for."""
    return os.environ.get(CHOICE, NEWEST)


def environment() -> Mapping[str, str]:
    """Return an environment in which `xds` finds that Envoy, too."""
    if version() == NEWEST:
        return os.environ
    return {**os.environ, "PYTHONPATH": str(chosen().parents[2])}
