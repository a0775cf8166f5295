"""Know how to run a whole gateway, with stand-in servers, in a temporary folder."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from xds.app import control_plane
from xds.dataplane import Supervised, bootstrap_json, envoy, find_envoy, supervised
from xds.files import Files
from xds.ports import HostPort, free_port
from xds.standin import Standin

_HOST: Final = "127.0.0.1"
# The stand-in servers are quick.
_GRACE: Final = 5.0
_NAMES: Final = ("qwen-a", "qwen-b", "llama-a")


class CheckError(Exception):
    """The demo did not do what it promises; the text says what came instead."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its address, its configuration, and its stand-in servers by name."""

    url: str
    config: Path
    standins: Mapping[str, Standin]
    envoy: Supervised


@asynccontextmanager
async def running_demo() -> AsyncIterator[Demo]:
    """Run the demo for as long as the context lasts.

    Raises xds.dataplane.EnvoyError if there is no Envoy, or it does not start.
    """
    binary = find_envoy()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xds-demo-")))
        standins = {name: Standin(name, free_port(_HOST)) for name in _NAMES}
        for standin in standins.values():
            await standin.start()
            stack.push_async_callback(standin.stop)
        files = Files(folder / "config.yaml", folder / "settings.yaml")
        files.config.write_text(demo_config(standins))
        port = free_port(_HOST)
        (folder / "settings.yaml").write_text(_settings(port))
        serving = await stack.enter_async_context(control_plane(files, f"{_HOST}:0"))
        text = bootstrap_json(HostPort(_HOST, 0), HostPort(_HOST, serving.port))
        start = partial(
            envoy, binary, text, concurrency=1, access_log=folder / "access.log", grace=_GRACE
        )
        running = await stack.enter_async_context(supervised(start))
        yield Demo(f"http://{_HOST}:{port}", files.config, standins, running)


def demo_config(standins: Mapping[str, Standin], weight: int = 3, models: str = "") -> str:
    """Return a configuration: the weight of the first server, and further models as YAML."""
    endpoints = "".join(
        f"""
  - name: "{name}"
    address: "{_HOST}"
    port: {standin.port}
    weight: {weight if name == "qwen-a" else 1}
"""
        for name, standin in standins.items()
    )
    return f"""\
vllm_endpoints:{endpoints}
model_config:
  "qwen3":
    preferred_endpoints: ["qwen-a", "qwen-b"]
  "llama":
    preferred_endpoints: ["llama-a"]
{models}
default_model: "qwen3"
"""


def _settings(port: int) -> str:
    return f"""\
listener: {{address: {_HOST}, port: {port}}}
resilience:
  outlier_detection: {{interval: 500ms, base_ejection_time: 1s}}
"""
