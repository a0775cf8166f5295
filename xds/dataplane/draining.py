"""Know how an Envoy is brought to finish the requests that it has, and to take no others.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/operations/draining
"""

import asyncio
from typing import Final

import aiohttp
import structlog

_log = structlog.get_logger("xds")

_POLL: Final = 0.05
_ACTIVE: Final = r"^http\..*\.downstream_rq_active$"


async def drain(admin: str, grace: float) -> None:
    """Have an Envoy refuse connections, and wait until it has answered the requests it has.

    At the latest after `grace` seconds; what is not answered then is told in the log.
    """
    try:
        async with asyncio.timeout(grace), aiohttp.ClientSession(f"http://{admin}") as session:
            # The first closes the ports; the second has each answer end its connection, which
            # clients would else try to replace just then. The drain sequence of
            # `drain_listeners?graceful` would go on to take connections meanwhile.
            for path in ("/drain_listeners", "/healthcheck/fail"):
                async with session.post(path):
                    pass
            await _finished(session, grace)
    except TimeoutError:
        _log.warning("the grace is over; requests in flight are cut off", grace=grace)
    except aiohttp.ClientError as error:
        _log.warning("Envoy can not be drained", reason=str(error))


async def _finished(session: aiohttp.ClientSession, grace: float) -> None:
    told = False
    idle = 0
    # A connection that came just before the ports were closed has its request counted by the
    # second look.
    while idle < 2:  # noqa: PLR2004
        requests = await _requests(session)
        idle = 0 if requests else idle + 1
        if requests and not told:
            _log.info("waiting for requests in flight", requests=requests, grace=grace)
            told = True
        await asyncio.sleep(_POLL)


async def _requests(session: aiohttp.ClientSession) -> int:
    """Return how many requests an Envoy has in flight, besides this very one."""
    asked = {"filter": _ACTIVE, "type": "Gauges"}
    async with session.get("/stats", params=asked) as response:
        lines = (await response.text()).splitlines()
    return sum(int(line.rpartition(": ")[2]) for line in lines) - 1
