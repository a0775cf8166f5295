"""Know our settings file: what the router's own file has no place for."""

from collections.abc import Collection
from typing import Annotated, TypeVar

from pydantic import Field

from xds.config.document import Document
from xds.config.fields import ListenAddress, Name, Part, Port, Switch
from xds.config.gateway import Resilience, Router, Routing, UpstreamTls
from xds.config.problems import ConfigError, Problem, unknown
from xds.config.validation import validate


class ListenerSettings(Part):
    """Where clients connect, for files that do not say it themselves."""

    address: ListenAddress = "0.0.0.0"  # noqa: S104  the gateway is there to be reached; the control plane is not
    port: Port = 8801


class EndpointSettings(Part):
    """What the settings add to one endpoint."""

    priority: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=127,
            description="a whole number from 0 to 127, 0 first",
        ),
    ] = 0
    zone: Annotated[str, Field(description="the name of a zone")] = ""


class ModelSettings(Part):
    """What the settings add to one model; what is left out comes from the defaults."""

    resilience: Resilience = Resilience()


class Settings(Part):
    """The settings file; everything has a default."""

    listener: ListenerSettings = ListenerSettings()
    router: Router | None = None
    routing: Routing = Routing()
    allow_domain_names: Switch = False
    upstream_tls: UpstreamTls = UpstreamTls()
    resilience: Resilience = Resilience()
    endpoints: Annotated[
        dict[Name, EndpointSettings],
        Field(description="a mapping of endpoint names"),
    ] = Field(default_factory=dict)
    models: Annotated[
        dict[Name, ModelSettings],
        Field(description="a mapping of model names"),
    ] = Field(default_factory=dict)

    def resilience_of(self, model: str) -> Resilience:
        """Return how a model is treated: its own settings on top of the defaults."""
        own = self.models.get(model)
        return merged(self.resilience, own.resilience) if own else self.resilience


P = TypeVar("P", bound=Part)


def merged(base: P, override: P) -> P:
    """Return `base` with what `override` sets, at every depth."""
    update: dict[str, object] = {}
    for name in override.model_fields_set:
        old, new = getattr(base, name), getattr(override, name)
        nested = isinstance(old, Part) and isinstance(new, Part)
        update[name] = merged(old, new) if nested else new
    return base.model_copy(update=update)


def read_settings(document: Document) -> Settings:
    """Return the settings that a document holds.

    Raises ConfigError with every mistake in it.
    """
    problems: list[Problem] = []
    settings = validate(document, Settings, document.data, (), problems)
    if settings is None:
        raise ConfigError(problems)
    return settings


def unknown_names(
    document: Document, endpoints: Collection[str], models: Collection[str]
) -> list[Problem]:
    """Return the mistakes of naming endpoints or models that the configuration does not have."""
    problems: list[Problem] = []
    for section, kind, known in (("endpoints", "endpoint", endpoints), ("models", "model", models)):
        named = document.data.get(section)
        problems.extend(
            document.problem((section, name), unknown(kind, name, known), key=True)
            for name in (named if isinstance(named, dict) else {})
            if name and name not in known
        )
    return problems
