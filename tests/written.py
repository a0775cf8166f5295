"""What the tests of files that come into force share: small configurations, and log lines."""

from collections.abc import MutableMapping
from typing import Any

Line = MutableMapping[str, Any]


def config(*models: str, port: int = 8000) -> str:
    """Return a configuration with one endpoint that serves some models."""
    served = "".join(f'  "{model}": {{preferred_endpoints: ["a"]}}\n' for model in models)
    return f"""\
vllm_endpoints:
  - name: "a"
    address: "127.0.0.1"
    port: {port}
model_config:
{served}default_model: "{models[0]}"
"""


BAD = config("one").replace("127.0.0.1", "http://127.0.0.1")


def words(lines: list[Line]) -> list[str]:
    return [line["event"] for line in lines]
