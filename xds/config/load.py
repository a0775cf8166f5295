"""Know how files become a `Gateway`, and which dialect a file is written in."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from xds.config import canonical, configmap, flat, user_config
from xds.config.document import MAX_BYTES, Document
from xds.config.gateway import Gateway
from xds.config.origin import Embedded
from xds.config.places import at
from xds.config.problems import ConfigError, Problem, nearest, spell
from xds.config.providers import MODELS
from xds.config.reading import Entries, Reading
from xds.config.settings import Settings, read_settings, unknown_names

_DIALECTS: Final = """\
write endpoints in one of the router's forms: \
`vllm_endpoints:` and `model_config:` (routers up to v0.2), \
`version: v0.1` with `providers.models[].endpoints` (vllm-sr up to v0.2), or \
`version: v0.3` with `providers.models[].backend_refs` (routers from v0.3 on)"""
_FLAT: Final = ("vllm_endpoints", "model_config")
_USER_VERSIONS: Final = frozenset(("0.1", "0.2"))


@dataclass(frozen=True, slots=True)
class Source:
    """What was read from one file; `name` is what errors call it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """The gateway that files describe, and what their author should know all the same.

    `inside` is the path at which the configuration stood in a Kubernetes manifest. The next `load`
    has use for what was read, and under which settings.
    """

    gateway: Gateway
    warnings: tuple[Problem, ...] = ()
    inside: str = ""
    settings: Settings = field(default_factory=Settings, repr=False, compare=False)
    entries: Entries = field(default_factory=dict, repr=False, compare=False)


def read_file(name: str, place: Path, *, wait: bool = False) -> Source:
    """Read one configuration file, which errors call by a name.

    What is no regular file, such as a pipe, may never come to an end: it is read only where `wait`
    says so. Raises ConfigError if there is no file, or nothing that can be read.
    """
    try:
        # Not to wait for somebody to write to a pipe, either.
        with open(os.open(place, os.O_RDONLY | (0 if wait else os.O_NONBLOCK)), "rb") as file:  # noqa: PTH123  a descriptor
            mode = os.fstat(file.fileno()).st_mode
            if wait or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                return Source(name, file.read(MAX_BYTES + 1))
    except OSError as error:
        text = {
            FileNotFoundError: "there is no such file; check the path",
            IsADirectoryError: "this is a directory; name the file in it",
            PermissionError: "there is no permission to read it; allow it",
        }.get(type(error), f"can not be read: {error.strerror}")
    else:
        text = "this is a pipe or a device, which can not be followed; name a file"
    raise ConfigError([Problem(name, 0, 0, "", text)])


def load(
    config: Source,
    settings: Source | None = None,
    *,
    last: Loaded | None = None,
    strict: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """Return the gateway that a router's file and our settings describe together.

    What is in `last` already is not read again. `strict` makes an error of every warning;
    `environment` is what `$VAR` refers to. Raises ConfigError with every mistake in both.
    """
    own, document, problems = _settings(settings)
    entries = last.entries if last and last.settings == own else {}
    try:
        told = parse(config)
        reading = _read(told, own, entries, environment)
    except ConfigError as error:
        raise ConfigError((*problems, *error.problems)) from None
    problems.extend(reading.problems)
    found = set(reading.warnings)
    if document is not None:
        endpoints = dict.fromkeys(reading.endpoint_names)
        problems.extend(unknown_names(document, endpoints, dict.fromkeys(reading.model_names)))
        if reading.has_listeners and document.data.get("listener"):
            text = f"is not used: {config.name} has `listeners` of its own; leave it out"
            found.add(document.problem(("listener",), text, key=True, is_warning=True))
    warnings = [replace(warning, is_warning=not strict) for warning in sorted(found)]
    if problems or (strict and warnings):
        raise ConfigError((*problems, *warnings))
    inside = told.origin.path if isinstance(told.origin, Embedded) else ()
    return Loaded(reading.gateway, tuple(warnings), spell(inside), own, reading.entries)


def parse(config: Source) -> Document:
    """Return a router's file as a document, even if it stands in the manifest of a ConfigMap.

    Raises ConfigError if it is none.
    """
    file = Document.parse(config.name, config.content)
    return configmap.embedded(file) if configmap.is_manifest(file.data) else file


def _settings(source: Source | None) -> tuple[Settings, Document | None, list[Problem]]:
    """Return the settings, their document if it is one, and the mistakes in them."""
    document = None
    if source is None:
        return Settings(), document, []
    try:
        document = Document.parse(source.name, source.content)
        return read_settings(document), document, []
    except ConfigError as error:
        # What is right in the settings still counts, or the rest would seem wrong too.
        data = document.data if document else {}
        own = Settings(allow_domain_names=data.get("allow_domain_names") is True)
        return own, document, list(error.problems)


def _is_user_config(data: Mapping[str, Any]) -> bool:
    """Tell dialect B from C: by its version, or else by what its models have."""
    if (version := data.get("version")) is not None:
        return str(version).removeprefix("v") in _USER_VERSIONS
    models = data["providers"].get("models")
    keys = {
        key
        for model in (models if isinstance(models, list) else ())
        for key in (model if isinstance(model, dict) else ())
    }
    return "endpoints" in keys and "backend_refs" not in keys


def _read(
    document: Document, settings: Settings, last: Entries, environment: Mapping[str, str]
) -> Reading:
    data = document.data
    if flat_key := next((key for key in _FLAT if key in data), None):
        if at(data, MODELS) is not None:
            text = f"is of another form of the file than `{flat_key}`, and forms do not mix"
            raise ConfigError([document.problem(MODELS, f"{text}; keep one of them", key=True)])
        return flat.read(document, settings, last)
    if isinstance(data.get("providers"), Mapping):
        read = user_config.read if _is_user_config(data) else canonical.read
        return read(document, settings, last, environment)
    for key in data.keys() - {"providers"}:
        if close := nearest(key, ("vllm_endpoints", "model_config", "providers"), cutoff=0.8):
            text = f'is not a known key; did you mean "{close}"?'
            raise ConfigError([document.problem((key,), text, key=True)])
    raise ConfigError([document.problem((), f"there are no endpoints in this file; {_DIALECTS}")])
