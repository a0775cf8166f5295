"""Know how files become a `Gateway`, and which dialect a file is written in."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from xds.config import canonical, configmap, flat, user_config
from xds.config.document import MAX_BYTES, Document
from xds.config.gateway import Gateway
from xds.config.origin import Embedded
from xds.config.places import at
from xds.config.problems import ConfigError, Problem, nearest, spell
from xds.config.providers_entries import MODELS
from xds.config.reading import Known, Reading
from xds.config.settings import Settings, read_settings, unknown_names
from xds.config.sharing import Shared

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
class OwnSettings:
    """What our settings file says, and what is wrong with it; without one there is no document."""

    source: Source | None
    settings: Settings
    document: Document | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What one `load` leaves to the next.

    `shared` are the values of the router's file. `known` goes by their identity, and holds under
    the same settings and environment, in the same dialect.
    """

    own: OwnSettings
    environment: Mapping[str, str]
    dialect: "_Dialect"
    shared: Shared
    known: Known


@dataclass(frozen=True, slots=True)
class Loaded:
    """The gateway that files describe, and what their author should know all the same.

    `inside` is the path at which the configuration stood in a Kubernetes manifest; the next `load`
    has use for the `memory`.
    """

    gateway: Gateway
    warnings: tuple[Problem, ...] = ()
    inside: str = ""
    memory: Memory | None = field(default=None, repr=False, compare=False)


_Dialect = Callable[[Document, Settings, Known, Mapping[str, str]], Reading]


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

    What `last` knows is not read again. `strict` makes an error of every warning; `environment` is
    what `$VAR` refers to. Raises ConfigError with every mistake in both.
    """
    before = last.memory if last else None
    own = _settings(settings, before)
    problems = list(own.problems)
    try:
        told = parse(config, before.shared if before else None)
        dialect = _dialect(told)
        known = _known(before, own, environment, dialect)
        reading = dialect(told, own.settings, known, environment)
    except ConfigError as error:
        raise ConfigError((*problems, *error.problems)) from None
    problems.extend(reading.problems)
    found = set(reading.warnings)
    if (document := own.document) is not None:
        endpoints = dict.fromkeys(reading.endpoint_names)
        problems.extend(unknown_names(document, endpoints, dict.fromkeys(reading.model_names)))
        if reading.has_listeners and document.data.get("listener"):
            text = f"is not used: {config.name} has `listeners` of its own; leave it out"
            found.add(document.problem(("listener",), text, key=True, is_warning=True))
    warnings = [replace(warning, is_warning=not strict) for warning in sorted(found)]
    if problems or (strict and warnings):
        raise ConfigError((*problems, *warnings))
    inside = told.origin.path if isinstance(told.origin, Embedded) else ()
    memory = Memory(own, dict(environment), dialect, told.shared, reading.known)
    return Loaded(reading.gateway, tuple(warnings), spell(inside), memory)


def parse(config: Source, last: Shared | None = None) -> Document:
    """Return a router's file as a document, even if it stands in the manifest of a ConfigMap.

    What is alike in `last`, the values of an earlier one, is that very object here. Raises
    ConfigError if it is none.
    """
    file = Document.parse(config.name, config.content, last)
    return configmap.embedded(file, last) if configmap.is_manifest(file.data) else file


def _settings(source: Source | None, before: Memory | None) -> OwnSettings:
    if before and before.own.source == source:
        return before.own
    if source is None:
        return OwnSettings(source, Settings())
    document = None
    try:
        document = Document.parse(source.name, source.content)
        return OwnSettings(source, read_settings(document), document)
    except ConfigError as error:
        # What is right in the settings still counts, or the rest would seem wrong too.
        data = document.data if document else {}
        own = Settings(allow_domain_names=data.get("allow_domain_names") is True)
        return OwnSettings(source, own, document, error.problems)


def _known(
    before: Memory | None, own: OwnSettings, environment: Mapping[str, str], dialect: _Dialect
) -> Known:
    """Return what is known before reading."""
    if (
        before is None
        or before.dialect is not dialect
        or before.environment != environment
        or before.own.settings != own.settings
    ):
        return Known()
    return before.known


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


def _dialect(document: Document) -> _Dialect:
    """Return what reads the dialect that a document is written in; raises ConfigError if none."""
    data = document.data
    if flat_key := next((key for key in _FLAT if key in data), None):
        if at(data, MODELS) is not None:
            text = f"is of another form of the file than `{flat_key}`, and forms do not mix"
            raise ConfigError([document.problem(MODELS, f"{text}; keep one of them", key=True)])
        return flat.read
    if isinstance(data.get("providers"), Mapping):
        return user_config.read if _is_user_config(data) else canonical.read
    for key in data.keys() - {"providers"}:
        if close := nearest(key, ("vllm_endpoints", "model_config", "providers"), cutoff=0.8):
            text = f'is not a known key; did you mean "{close}"?'
            raise ConfigError([document.problem((key,), text, key=True)])
    raise ConfigError([document.problem((), f"there are no endpoints in this file; {_DIALECTS}")])
