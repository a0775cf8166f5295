"""Know the options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated, Final

import typer

from xds.cli.logs import LogFormat, LogLevel
from xds.config.addresses import is_ip
from xds.ports import HostPort
from xds.server.credentials import TlsFiles


def address(text: str | HostPort) -> HostPort:
    """Read an address from the command line."""
    try:
        return HostPort.parse(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def ip_address(text: str | HostPort) -> HostPort:
    """Read an address that Envoy is to listen on, for which it takes no names."""
    found = address(text)
    if not is_ip(found.host):
        message = f"{found.host!r} is no IP address, and Envoy listens on no other"
        raise typer.BadParameter(message)
    return found


Config = Annotated[
    Path,
    typer.Argument(envvar="XDS_CONFIG", help="The router's configuration file.", show_default=True),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", envvar="XDS_SETTINGS", help="Our own settings file."),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", envvar="XDS_STRICT", help="Take warnings for errors."),
]
Listen = Annotated[
    HostPort,
    typer.Option(
        parser=address,
        envvar="XDS_LISTEN",
        metavar="HOST:PORT",
        help="Where Envoys connect; port 0 picks a free one.",
    ),
]
EnvoyAdmin = Annotated[
    HostPort,
    typer.Option(
        parser=ip_address,
        envvar="XDS_ENVOY_ADMIN",
        metavar="HOST:PORT",
        help="Envoy's own admin page; port 0 picks a free one.",
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(envvar="XDS_CONCURRENCY", min=1, help="Envoy's worker threads."),
]
Grace = Annotated[
    float,
    typer.Option(
        envvar="XDS_GRACE",
        metavar="SECONDS",
        min=0,
        help="How long requests in flight may take at the end; a second signal cuts them off.",
    ),
]
Logs = Annotated[
    LogFormat,
    typer.Option("--log-format", envvar="XDS_LOG_FORMAT", help="How log lines look."),
]
Level = Annotated[
    LogLevel,
    typer.Option("--log-level", envvar="XDS_LOG_LEVEL", help="The least that is logged."),
]
Admin = Annotated[
    HostPort,
    typer.Option(
        parser=address,
        envvar="XDS_ADMIN",
        metavar="HOST:PORT",
        help="Where /healthz, /readyz and /status are served; port 0 picks a free one.",
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        envvar="XDS_STATE_DIR",
        help="Where the last good files are kept, for a start with bad ones.",
        file_okay=False,
    ),
]
ValidateWithEnvoy = Annotated[
    bool,
    typer.Option(
        "--validate-with-envoy",
        envvar="XDS_VALIDATE_WITH_ENVOY",
        help="Have a real Envoy accept the result before it is published.",
    ),
]
ExitOnBadConfig = Annotated[
    bool,
    typer.Option(
        "--exit-on-bad-config",
        envvar="XDS_EXIT_ON_BAD_CONFIG",
        help="Exit with 1 where there is nothing good to serve at the start; else wait for it.",
    ),
]
Poll = Annotated[
    bool,
    typer.Option(
        "--poll",
        envvar="XDS_POLL",
        help="Look at the files twice a second; network file systems are polled anyway.",
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(envvar="XDS_TLS_CERT", help="Our certificate chain, PEM; turns TLS on."),
]
TlsKey = Annotated[
    Path | None, typer.Option(envvar="XDS_TLS_KEY", help="The key of our certificate, PEM.")
]
TlsClientCa = Annotated[
    Path | None,
    typer.Option(
        envvar="XDS_TLS_CLIENT_CA", help="Who signs Envoys' certificates, PEM; turns mTLS on."
    ),
]


def tls_files(cert: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    """Return the TLS options as one value."""
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        message = "--tls-cert and --tls-key go together; --tls-client-ca needs both"
        raise typer.BadParameter(message)
    return TlsFiles(cert, key, client_ca)


DEFAULT_CONFIG: Final = Path("config.yaml")
DEFAULT_LISTEN: Final = HostPort("127.0.0.1", 18000)
DEFAULT_ADMIN: Final = HostPort("127.0.0.1", 18001)
DEFAULT_ENVOY_ADMIN: Final = HostPort("127.0.0.1", 19000)
