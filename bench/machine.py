"""Know on what machine the figures are taken."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return what the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    return f"{os.cpu_count()} x {name}, Python {platform.python_version()}"
