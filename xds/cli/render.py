"""`xds render`: the Envoy resources that a file becomes."""

from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any

import typer

from xds.cli.life import failures_told, tell_warnings
from xds.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_ENVOY_ADMIN,
    Config,
    EnvoyAdmin,
    SettingsFile,
    Strict,
)
from xds.config.gateway import Gateway
from xds.files import Files, load_files
from xds.ports import HostPort
from xds.translate import Translation, translate
from xds.translate.endpoints import address
from xds.translate.static import static_bootstrap
from xds.translate.text import to_dict, to_json, to_yaml


class OutputFormat(StrEnum):
    """How resources are written."""

    YAML = "yaml"
    JSON = "json"


class ResourceType(StrEnum):
    """Which resources are written."""

    CLUSTERS = "clusters"
    ENDPOINTS = "endpoints"
    LISTENERS = "listeners"
    ROUTES = "routes"


def render(
    config: Config = DEFAULT_CONFIG,
    settings: SettingsFile = None,
    output: Annotated[
        OutputFormat, typer.Option("-o", "--output", help="How they are written.")
    ] = OutputFormat.YAML,
    only: Annotated[
        ResourceType | None, typer.Option("--type", help="Only resources of this type.")
    ] = None,
    static: Annotated[
        bool,
        typer.Option("--static", help="One Envoy configuration that needs no control plane."),
    ] = False,
    strict: Strict = False,
    envoy_admin: EnvoyAdmin = DEFAULT_ENVOY_ADMIN,
) -> None:
    """Print the Envoy resources that CONFIG becomes."""
    if static and only:
        message = "--static and --type exclude each other"
        raise typer.BadParameter(message)
    with failures_told():
        loaded = load_files(Files(config, settings, strict))
    if loaded.inside:
        typer.echo(f"{config}: reading {loaded.inside}", err=True)
    tell_warnings(loaded)
    gateway = loaded.gateway
    translation = translate(_locked(config, gateway) if static else gateway.without_secrets())
    if static:
        value: object = static_config(translation, envoy_admin)
    elif only:
        value = resources(translation, only)
    else:
        value = {kind.value: resources(translation, kind) for kind in ResourceType}
    typer.echo(to_json(value) if output is OutputFormat.JSON else to_yaml(value), nl=False)


def _locked(config: Path, gateway: Gateway) -> Gateway:
    """Return a gateway for an Envoy to run, in which nobody knows what stands in place of keys."""
    if any(listener.api_keys for listener in gateway.listeners):
        text = (
            "the keys of listeners are not in what is printed; write them where REDACTED-... stands"
        )
        typer.echo(f"{config}: {text}", err=True)
    return gateway.without_secrets(lambda n: f"REDACTED-{token_hex(16)}-{n}")


def resources(translation: Translation, kind: ResourceType) -> list[dict[str, Any]]:
    """Return the resources of one type as plain values."""
    messages = {
        ResourceType.CLUSTERS: translation.clusters,
        ResourceType.ENDPOINTS: translation.endpoints,
        ResourceType.LISTENERS: translation.listeners,
        ResourceType.ROUTES: translation.routes,
    }[kind]
    return [to_dict(message) for message in messages]


def static_config(
    translation: Translation, admin: HostPort = DEFAULT_ENVOY_ADMIN
) -> dict[str, Any]:
    """Return one complete Envoy configuration as plain values."""
    return to_dict(static_bootstrap(translation, address(admin.host, admin.port)))


def static_json(translation: Translation) -> str:
    """Return one complete Envoy configuration as JSON."""
    return to_json(static_config(translation))
