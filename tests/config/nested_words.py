"""What the tests of dialects B and C share: good files, and what is told of others."""

import pytest

from xds.config.gateway import Gateway
from xds.config.load import Loaded, Source, load
from xds.config.problems import ConfigError


def canonical(**models: str) -> str:
    """Return a file of dialect C in which the first model stands in line 4."""
    entries = (f"  - name: {name}\n    backend_refs: {refs}\n" for name, refs in models.items())
    return "version: v0.3\nproviders:\n  models:\n" + "".join(entries)


def backends(*items: str) -> str:
    """Return a file of dialect C with one model, `m`, whose backends begin at 5:20."""
    return canonical(m=f"[{', '.join(items)}]")


CANONICAL = backends("{endpoint: a}")


def user(*items: str, model: str = "") -> str:
    """Return a file of dialect B with one model, `m`, whose endpoints begin at 5:17."""
    return (
        "version: v0.1\nproviders:\n  models:\n"
        f"  - name: m\n    endpoints: [{', '.join(items)}]\n{model}"
    )


def loaded(config: str, settings: str = "{}") -> Loaded:
    sources = Source("config.yaml", config.encode()), Source("settings.yaml", settings.encode())
    return load(*sources, environment={"SET": "value", "EMPTY": ""})


def gateway(config: str, settings: str = "{}") -> Gateway:
    return loaded(config, settings).gateway


def warnings(config: str) -> list[str]:
    """Return the warnings, without the name of the file that each begins with."""
    return [str(each).removeprefix("config.yaml:") for each in loaded(config).warnings]


def errors(config: str) -> list[str]:
    """Return the lines of the refusal, without the name of the file that each begins with."""
    with pytest.raises(ConfigError) as refused:
        loaded(config)
    lines = str(refused.value).splitlines()
    assert all(line.startswith("config.yaml:") for line in lines)
    return [line.removeprefix("config.yaml:") for line in lines]
