"""What the tests of the flat form share: good files, and the words of its errors."""

import pytest

from xds.config.gateway import (
    Gateway,
)
from xds.config.load import Source, load
from xds.config.problems import ConfigError

NAME = "write a name in quotes"


PORT = "write a whole number from 1 to 65535"


WEIGHT = "write a whole number from 1 to 4294967295, or 0 to drain the endpoint"


THREE = """\
vllm_endpoints:
  - {name: gpu_cluster_a, address: 10.0.1.10, port: 8000}
  - {name: gpu_cluster_b, address: 10.0.2.10, port: 8000, weight: 3}
  - {name: spare, address: 10.0.3.10, port: 8000, weight: 0}
"""


def gateway(config: str, settings: str = "{}") -> Gateway:
    return load(
        Source("config.yaml", config.encode()), Source("settings.yaml", settings.encode())
    ).gateway


def errors(config: str, settings: str = "{}") -> list[str]:
    """Return the lines of the refusal, without the name of the file that each begins with."""
    with pytest.raises(ConfigError) as refused:
        gateway(config, settings)
    lines = str(refused.value).splitlines()
    assert all(line.startswith("config.yaml:") for line in lines)
    return [line.removeprefix("config.yaml:") for line in lines]


def endpoints(*items: str) -> str:
    """Return a file whose endpoints begin in line 2, column 5."""
    return "vllm_endpoints:\n" + "".join(f"  - {item}\n" for item in items)
