"""`xds serve`: the control plane."""

import structlog

from xds.app import Files, control_plane
from xds.cli.life import run, until_ended
from xds.cli.logs import LogFormat, LogLevel, configure_logs
from xds.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LISTEN,
    Config,
    Level,
    Listen,
    Logs,
    SettingsFile,
    TlsCert,
    TlsClientCa,
    TlsKey,
    tls_files,
)
from xds.ports import HostPort
from xds.server.credentials import TlsFiles

_log = structlog.get_logger("xds")


def serve(
    config: Config = DEFAULT_CONFIG,
    settings: SettingsFile = None,
    listen: Listen = DEFAULT_LISTEN,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    log_format: Logs = LogFormat.CONSOLE,
    log_level: Level = LogLevel.INFO,
) -> None:
    """Serve CONFIG to Envoys over ADS, and every change of it."""
    tls = tls_files(tls_cert, tls_key, tls_client_ca)
    configure_logs(log_format, log_level)
    run(_serve(Files(config, settings), listen, tls))


async def _serve(files: Files, listen: HostPort, tls: TlsFiles | None) -> None:
    async with control_plane(files, str(listen), tls=tls) as port:
        _log.info("serving", xds=str(HostPort(listen.host, port)))
        if tls is None and not listen.is_loopback:
            _log.warning("whoever reaches the port is served; the TLS options secure it")
        await until_ended()
