"""Know how files become a `Gateway`, and which dialect a file is written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xds.config import flat
from xds.config.document import MAX_BYTES, Document
from xds.config.gateway import Gateway
from xds.config.problems import ConfigError, Problem, nearest
from xds.config.reading import Reading
from xds.config.settings import Settings, read_settings, unknown_names

_DIALECTS: Final = """\
write endpoints in one of the router's forms: \
`vllm_endpoints:` and `model_config:` (routers up to v0.2), \
`version: v0.1` with `providers.models[].endpoints` (vllm-sr up to v0.2), or \
`version: v0.3` with `providers.models[].backend_refs` (routers from v0.3 on); \
only the first of them is served yet"""


@dataclass(frozen=True, slots=True)
class Source:
    """What was read from one file; `name` is what errors call it."""

    name: str
    content: bytes


def read_file(path: Path) -> Source:
    """Read one configuration file.

    Raises ConfigError if there is none, or nothing that can be read.
    """
    try:
        with path.open("rb") as file:
            return Source(str(path), file.read(MAX_BYTES + 1))
    except OSError as error:
        text = {
            FileNotFoundError: "there is no such file; check the path",
            IsADirectoryError: "this is a directory; name the file in it",
            PermissionError: "there is no permission to read it; allow it",
        }.get(type(error), f"can not be read: {error.strerror}")
        raise ConfigError([Problem(str(path), 0, 0, "", text)]) from None


def load(config: Source, settings: Source | None = None) -> Gateway:
    """Return the gateway that a router's file and our settings describe together.

    Raises ConfigError with every mistake in both.
    """
    problems: list[Problem] = []
    own, document = Settings(), None
    if settings is not None:
        try:
            document = Document.parse(settings.name, settings.content)
            own = read_settings(document)
        except ConfigError as error:
            problems.extend(error.problems)
            # What is right in the settings still counts, or the rest would seem wrong too.
            data = document.data if document else {}
            own = Settings(allow_domain_names=data.get("allow_domain_names") is True)
    try:
        reading = _read(Document.parse(config.name, config.content), own)
    except ConfigError as error:
        raise ConfigError((*problems, *error.problems)) from None
    problems.extend(reading.problems)
    if document is not None:
        endpoints = dict.fromkeys(reading.endpoint_names)
        problems.extend(unknown_names(document, endpoints, dict.fromkeys(reading.model_names)))
    if problems:
        raise ConfigError(problems)
    return reading.gateway


def _read(document: Document, settings: Settings) -> Reading:
    data = document.data
    if "vllm_endpoints" in data or "model_config" in data:
        return flat.read(document, settings)
    if isinstance(data.get("providers"), Mapping):
        text = "this form is not served yet; write `vllm_endpoints:` and `model_config:`"
        raise ConfigError([document.problem(("providers",), text, key=True)])
    for key in data.keys() - {"providers"}:
        if close := nearest(key, ("vllm_endpoints", "model_config", "providers"), cutoff=0.8):
            text = f'is not a known key; did you mean "{close}"?'
            raise ConfigError([document.problem((key,), text, key=True)])
    raise ConfigError([document.problem((), f"there are no endpoints in this file; {_DIALECTS}")])
