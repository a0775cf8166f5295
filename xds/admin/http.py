"""Know the admin's paths, and who may ask."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from xds.admin.envoys import as_json
from xds.configstate import ConfigState
from xds.ports import HostPort, listen_failure
from xds.status import Status


@dataclass(frozen=True, slots=True)
class View:
    """Where the admin looks: each is asked anew for each request."""

    config: Callable[[], ConfigState]
    envoys: Callable[[], Status]


@asynccontextmanager
async def serve_admin(listen: HostPort, view: View) -> AsyncIterator[HostPort]:
    """Serve the admin for as long as the context lasts; yields its address, with its port.

    Raises OSError if it can not be listened on.
    """
    if reason := listen_failure(listen):
        message = f"can not listen on {listen}: {reason}; choose another with --admin"
        raise OSError(message)
    app = web.Application(middlewares=[_only_loopback] if listen.is_loopback else [])
    pages = _Pages(view)
    app.add_routes(
        [
            web.get("/healthz", pages.healthz),
            web.get("/readyz", pages.readyz),
            web.get("/status", pages.status),
        ]
    )
    # No answer takes long: none delays the end.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen.host, listen.port).start()
        yield HostPort(listen.host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


class _Pages:
    """What is answered at each path."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(self, _: web.Request) -> web.Response:
        config = self._view.config()
        if reason := config.waits_for:
            text = f"not ready; waiting for a configuration that can be served\n{reason}\n"
            return web.Response(text=text, status=HTTPStatus.SERVICE_UNAVAILABLE)
        if config.refusal:
            problems = "\n".join(config.refusal.problems)
            return web.Response(text=f"ready, with the last good configuration\n{problems}\n")
        return web.Response(text="ready\n")

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"config": self._view.config().as_json(), "envoys": as_json(self._view.envoys())}
        )


@web.middleware
async def _only_loopback(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A page of another site whose name was made to lead here could read the answers, else.
    # https://en.wikipedia.org/wiki/DNS_rebinding
    if not _is_loopback(request.host.lower()):
        text = f"{request.host!r} is no name of this machine's loopback; ask for 127.0.0.1\n"
        return web.Response(text=text, status=HTTPStatus.MISDIRECTED_REQUEST)
    return await handler(request)


def _is_loopback(host: str) -> bool:
    for address in (host, f"{host}:80"):
        with suppress(ValueError):
            return HostPort.parse(address).is_loopback
    return False
