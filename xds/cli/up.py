"""`xds up`: the control plane and an Envoy that follows it."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from xds.app import Options, control_plane
from xds.cli.life import failures_told, hangups, reload_at, run, settle
from xds.cli.logs import LogFormat, LogLevel, configure_logs
from xds.cli.options import (
    DEFAULT_ADMIN,
    DEFAULT_CONFIG,
    DEFAULT_ENVOY_ADMIN,
    DEFAULT_LISTEN,
    Admin,
    Concurrency,
    Config,
    EnvoyAdmin,
    Grace,
    Level,
    Listen,
    Logs,
    Poll,
    SettingsFile,
    StateDir,
    Strict,
    ValidateWithEnvoy,
)
from xds.config.gateway import Gateway
from xds.config.load import load
from xds.config.problems import ConfigError
from xds.dataplane import EnvoyError, bootstrap_json, envoy, find_envoy, supervised
from xds.files import Files, load_files
from xds.lastgood import LastGood
from xds.ports import HostPort, listen_failure

_log = structlog.get_logger("xds")

# With what follows, it fits into the 30 s that Kubernetes gives a pod to end.
_GRACE: Final = 25.0


@dataclass(frozen=True, slots=True)
class DataPlane:
    """How the Envoy is run."""

    binary: Path
    admin: HostPort
    concurrency: int
    grace: float


def up(
    config: Config = DEFAULT_CONFIG,
    settings: SettingsFile = None,
    strict: Strict = False,
    listen: Listen = DEFAULT_LISTEN,
    admin: Admin = DEFAULT_ADMIN,
    envoy_admin: EnvoyAdmin = DEFAULT_ENVOY_ADMIN,
    concurrency: Concurrency = 2,
    grace: Grace = _GRACE,
    state_dir: StateDir = None,
    validate_with_envoy: ValidateWithEnvoy = False,
    poll: Poll = False,
    log_format: Logs = LogFormat.CONSOLE,
    log_level: Level = LogLevel.INFO,
) -> None:
    """Run a whole gateway: serve CONFIG, and keep an Envoy running that follows it."""
    configure_logs(log_format, log_level)
    with failures_told():
        data_plane = DataPlane(find_envoy(), envoy_admin, concurrency, grace)
    options = Options(
        admin=admin,
        state_dir=state_dir,
        envoy=data_plane.binary if validate_with_envoy else None,
        poll=poll,
    )
    run(_up(Files(config, settings, strict), listen, options, data_plane))


async def _up(files: Files, listen: HostPort, options: Options, data_plane: DataPlane) -> None:
    hung_up = hangups()
    check_free("choose another with --envoy-admin", data_plane.admin)
    gateway = listeners(files, options.state_dir)
    check_free("choose another as `listener` in the settings, or in `listeners`", *gateway)
    async with control_plane(files, str(listen), options) as serving:
        settle()
        xds = HostPort(listen.host, serving.port)
        start = partial(
            envoy,
            data_plane.binary,
            bootstrap_json(data_plane.admin, xds),
            concurrency=data_plane.concurrency,
            grace=data_plane.grace,
        )
        async with supervised(start) as running:
            check_taken(*gateway)
            _log.info(
                "gateway ready",
                address=", ".join(map(str, gateway)),
                xds=str(xds),
                admin=str(serving.admin),
                envoy_admin=running.admin,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(reload_at(hung_up, serving.reload))
                await running.run()


def listeners(files: Files, state_dir: Path | None) -> tuple[HostPort, ...]:
    """Return where Envoy is to listen, as the files say, or else the last good ones that were kept.

    Raises ConfigError with every mistake in the files, if there are no others to serve.
    """
    try:
        gateway = load_files(files).gateway
    except ConfigError:
        kept = _kept(files, state_dir) if state_dir else None
        if kept is None:
            raise
        gateway = kept
    return tuple(HostPort(listener.address, listener.port) for listener in gateway.listeners)


def _kept(files: Files, state_dir: Path) -> Gateway | None:
    kept = LastGood(state_dir, files.places())
    try:
        sources = kept.load([str(path) for path in files.paths()])
        return load(*sources, strict=files.strict).gateway if sources else None
    except (OSError, ValueError, ConfigError) as error:
        reason = f"{kept.path} is ignored: {error}"
        _log.error("the last good configuration can not be used", reason=reason)
        return None


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
