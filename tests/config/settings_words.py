"""What the tests of the settings share: the words of their errors."""

import pytest

from xds.config.document import Document
from xds.config.gateway import (
    Resilience,
)
from xds.config.load import Source, load
from xds.config.problems import ConfigError
from xds.config.settings import (
    Settings,
    read_settings,
)

CONFIG = """\
vllm_endpoints:
  - {name: dc1-primary, address: 10.0.0.1, port: 8000}
  - {name: dc2-primary, address: 10.0.0.2, port: 8000}
model_config:
  qwen3: {loras: [{name: qwen3-sql}]}
  llama: {}
"""


TIME = "write a duration with its unit, such as 10s, 500ms or 5m, up to 8760h"


def settings(text: str) -> Settings:
    return read_settings(Document.parse("settings.yaml", text.encode()))


def errors(text: str) -> list[str]:
    """Return the lines of the refusal, without the name of the file that each begins with."""
    with pytest.raises(ConfigError) as refused:
        load(Source("config.yaml", CONFIG.encode()), Source("settings.yaml", text.encode()))
    lines = str(refused.value).splitlines()
    assert all(line.startswith("settings.yaml:") for line in lines)
    return [line.removeprefix("settings.yaml:") for line in lines]


def resilient(text: str) -> Resilience:
    return settings(f"resilience: {text}").resilience
