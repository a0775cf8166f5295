"""Know how the router's file stands in the manifest of a Kubernetes ConfigMap.

https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from collections.abc import Mapping
from typing import Any, Final

from xds.config.document import Document, kind
from xds.config.origin import Embedded
from xds.config.problems import ConfigError, Path, listed
from xds.config.sharing import Shared

_USUAL: Final = "config.yaml"
_RIGHT: Final = f"write the router's file below `{_USUAL}: |`"


def is_manifest(data: Mapping[str, Any]) -> bool:
    """Tell a manifest from the router's own file."""
    return data.get("kind") == "ConfigMap"


def embedded(manifest: Document, last: Shared | None = None) -> Document:
    """Return the router's file in a manifest; its mistakes are told at their places in that.

    What is alike in `last`, the values of an earlier one, is that very object here. Raises
    ConfigError if there is none, or none that stands out.
    """
    path = _path(manifest)
    value = manifest.data["data"][path[-1]]
    if not isinstance(value, str):
        raise ConfigError([manifest.problem(path, f"is {kind(value)}; {_RIGHT}")])
    start = manifest.place(path)
    origin = Embedded(manifest.origin.file, path, start, manifest.text, value)
    return Document.of(origin, value.encode(), last)


def _path(manifest: Document) -> Path:
    files = manifest.data.get("data")
    if not isinstance(files, dict) or not files:
        raise ConfigError([manifest.problem(("data",), f"holds no file; {_RIGHT}")])
    if _USUAL in files:
        return ("data", _USUAL)
    if len(files) > 1:
        text = f"holds several files, {listed(files)}; name the router's file {_USUAL}"
        raise ConfigError([manifest.problem(("data",), text)])
    return ("data", *files)
