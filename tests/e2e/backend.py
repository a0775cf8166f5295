"""A server behind the gateway: `backend.py NAME HOST PORT`, to be killed by its process id.

It answers every request with its name, after as many seconds as the header x-delay says.
"""

import asyncio
import sys

from aiohttp import web


def application(name: str) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(float(request.headers.get("x-delay", "0")))
        return web.json_response({"served_by": name, "headers": dict(request.headers)})

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


if __name__ == "__main__":
    _, name, host, port = sys.argv
    web.run_app(application(name), host=host, port=int(port), access_log=None, print=None)
