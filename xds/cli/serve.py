"""`xds serve`: the control plane."""

from typing import NoReturn

import structlog

from xds.app import Options, control_plane
from xds.cli.life import failures_told, hangups, reload_at, run, settle
from xds.cli.logs import LogFormat, LogLevel, configure_logs
from xds.cli.options import (
    DEFAULT_ADMIN,
    DEFAULT_CONFIG,
    DEFAULT_LISTEN,
    Admin,
    Config,
    ExitOnBadConfig,
    Level,
    Listen,
    Logs,
    Poll,
    SettingsFile,
    StateDir,
    Strict,
    TlsCert,
    TlsClientCa,
    TlsKey,
    ValidateWithEnvoy,
    tls_files,
)
from xds.dataplane import find_envoy
from xds.files import Files
from xds.ports import HostPort

_log = structlog.get_logger("xds")


def serve(
    config: Config = DEFAULT_CONFIG,
    settings: SettingsFile = None,
    strict: Strict = False,
    listen: Listen = DEFAULT_LISTEN,
    admin: Admin = DEFAULT_ADMIN,
    state_dir: StateDir = None,
    validate_with_envoy: ValidateWithEnvoy = False,
    exit_on_bad_config: ExitOnBadConfig = False,
    poll: Poll = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    log_format: Logs = LogFormat.CONSOLE,
    log_level: Level = LogLevel.INFO,
) -> None:
    """Serve CONFIG to Envoys over ADS, and every change of it; SIGHUP has it read anew."""
    tls = tls_files(tls_cert, tls_key, tls_client_ca)
    configure_logs(log_format, log_level)
    with failures_told():
        envoy = find_envoy() if validate_with_envoy else None
    options = Options(
        tls=tls,
        admin=admin,
        state_dir=state_dir,
        envoy=envoy,
        waits=not exit_on_bad_config,
        poll=poll,
    )
    run(_serve(Files(config, settings, strict), listen, options))


async def _serve(files: Files, listen: HostPort, options: Options) -> NoReturn:
    # From now on: a signal that comes before the first configuration is served does not end us.
    hung_up = hangups()
    async with control_plane(files, str(listen), options) as running:
        settle()
        xds = HostPort(listen.host, running.port)
        _log.info("serving", xds=str(xds), admin=str(running.admin))
        if options.tls is None and not listen.is_loopback:
            _log.warning("whoever reaches the port is served; the TLS options secure it")
        await reload_at(hung_up, running.reload)
