"""A server behind the gateway: `backend.py NAME HOST PORT [PEM]`, to be killed by its process id.

With a certificate and its key it speaks TLS alone. It answers every request with its name, after
as many seconds as the header x-delay says. With the header x-stream it answers as a model that
talks for so many seconds, or until GET /finish.
"""

import asyncio
import ssl
import sys
from typing import Any

from aiohttp import web


def application(name: str) -> web.Application:
    finished = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        if "x-stream" in request.headers:
            return await stream(request, float(request.headers["x-stream"]))
        await asyncio.sleep(float(request.headers.get("x-delay", "0")))
        seen: dict[str, Any] = {"path": request.path_qs, "headers": dict(request.headers)}
        connection = request.transport and request.transport.get_extra_info("ssl_object")
        seen["sni"] = getattr(connection, "asked_for", None)
        return web.json_response({"served_by": name, **seen})

    async def stream(request: web.Request, seconds: float) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        while loop.time() < end and not finished.is_set():
            await response.write(f"data: {name}\n\n".encode())
            await asyncio.sleep(0.1)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def finish(_: web.Request) -> web.Response:
        finished.set()
        return web.Response()

    app = web.Application(client_max_size=64 << 20)
    app.router.add_get("/finish", finish)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


if __name__ == "__main__":
    _, name, host, port, *pem = sys.argv
    tls = None
    if pem:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem[0])
        tls.sni_callback = lambda connection, name, _: setattr(connection, "asked_for", name)
    web.run_app(
        application(name), host=host, port=int(port), access_log=None, print=None, ssl_context=tls
    )
