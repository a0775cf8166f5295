"""Know how the halves join, and how long each part of a control plane lives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from xds.admin import View, serve_admin
from xds.files import Files
from xds.lastgood import LastGood
from xds.ports import HostPort
from xds.publisher import Publisher
from xds.server.ads import AdsServer
from xds.server.credentials import TlsFiles, server_credentials
from xds.store import SnapshotStore


@dataclass(frozen=True, slots=True)
class Options:
    """How a control plane does its work, beyond which files it follows.

    `admin` is where its HTTP admin listens, `state_dir` where the last good files are kept, `envoy`
    an Envoy that judges them. `waits` tells to wait for files that can be served, `poll` to look at
    them rather than be told. `grace` is how long streams may take to end, in seconds.
    """

    tls: TlsFiles | None = None
    admin: HostPort | None = None
    state_dir: Path | None = None
    envoy: Path | None = None
    waits: bool = False
    poll: bool = False
    grace: float = 5


@dataclass(frozen=True, slots=True)
class Running:
    """A control plane that runs: its ports, and how to have it read its files anew."""

    port: int
    admin: HostPort | None
    reload: Callable[[], Awaitable[None]]


@asynccontextmanager
async def control_plane(
    files: Files,
    listen: str,
    options: Options = Options(),
) -> AsyncIterator[Running]:
    """Serve the files, and every change of them, for as long as the context lasts.

    Raises ConfigError if there is nothing good to serve at the start, unless it waits for that;
    OSError if an address can not be listened on, or the certificates can not be used.
    """
    store = SnapshotStore()
    server = AdsServer(store, identifier="semantic-router-xds")
    publisher = Publisher(
        files,
        store,
        last_good=LastGood(options.state_dir, files.places()) if options.state_dir else None,
        envoy=options.envoy,
    )
    async with AsyncExitStack() as stack:
        port = await server.start(listen, server_credentials(options.tls) if options.tls else None)
        stack.push_async_callback(server.stop, options.grace)
        admin = None
        if options.admin:
            view = View(config=lambda: publisher.state, envoys=server.status)
            admin = await stack.enter_async_context(serve_admin(options.admin, view))
        await publisher.start(waits=options.waits)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(publisher.follow(poll=options.poll))
            try:
                yield Running(port, admin, publisher.reload)
            finally:
                following.cancel()
