"""`xds up`: the control plane and an Envoy that follows it."""

import structlog

from xds.app import Files, control_plane, load_files
from xds.cli.life import run
from xds.cli.logs import LogFormat, LogLevel, configure_logs
from xds.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_ENVOY_ADMIN,
    DEFAULT_LISTEN,
    Concurrency,
    Config,
    EnvoyAdmin,
    Level,
    Listen,
    Logs,
    SettingsFile,
)
from xds.dataplane import EnvoyError, bootstrap_json, envoy, find_envoy
from xds.ports import HostPort, listen_failure

_log = structlog.get_logger("xds")


def up(
    config: Config = DEFAULT_CONFIG,
    settings: SettingsFile = None,
    listen: Listen = DEFAULT_LISTEN,
    envoy_admin: EnvoyAdmin = DEFAULT_ENVOY_ADMIN,
    concurrency: Concurrency = 2,
    log_format: Logs = LogFormat.CONSOLE,
    log_level: Level = LogLevel.INFO,
) -> None:
    """Run a whole gateway: serve CONFIG, and start an Envoy that follows it."""
    configure_logs(log_format, log_level)
    run(_up(Files(config, settings), listen, envoy_admin, concurrency))


async def _up(files: Files, listen: HostPort, admin: HostPort, concurrency: int) -> None:
    binary = find_envoy()
    listeners = load_files(files).listeners
    gateway = [HostPort(listener.address, listener.port) for listener in listeners]
    check_free("choose another with --envoy-admin", admin)
    check_free("choose another as `listener` in the settings", *gateway)
    async with control_plane(files, str(listen)) as port:
        text = bootstrap_json(admin, HostPort(listen.host, port))
        async with envoy(binary, text, concurrency=concurrency) as running:
            check_taken(*gateway)
            _log.info(
                "gateway ready",
                address=", ".join(map(str, gateway)),
                xds=str(HostPort(listen.host, port)),
                envoy_admin=running.admin,
            )
            await running.ended()


def check_taken(*addresses: HostPort) -> None:
    """Make sure that Envoy listens where it should.

    Raises EnvoyError that names the address.
    """
    for address in addresses:
        if listen_failure(address) is None:
            message = f"Envoy does not listen on {address}; the log says why"
            raise EnvoyError(message)


def check_free(cure: str, *addresses: HostPort) -> None:
    """Make sure that Envoy can listen where it should.

    Envoy itself would share a port with another Envoy and take half of its connections.
    Raises OSError that names the address.
    """
    for address in addresses:
        if reason := listen_failure(address):
            message = f"can not listen on {address}: {reason}; {cure}"
            raise OSError(message)
