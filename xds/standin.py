"""Know how to look like a small vLLM server: OpenAI's API, with answers that name the server."""

from typing import Final

from aiohttp import web

SERVED_BY: Final = "x-served-by"


class Standin:
    """An OpenAI-compatible HTTP server on loopback that serves any model."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises OSError if the port is in use."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/v1/models", self._models),
                web.post("/v1/chat/completions", self._chat),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening, and close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(headers={SERVED_BY: self.name})

    async def _models(self, _: web.Request) -> web.Response:
        card = {"id": self.name, "object": "model", "created": 0, "owned_by": "standin"}
        return self._json({"object": "list", "data": [card]})

    async def _chat(self, request: web.Request) -> web.Response:
        asked = await request.json()
        message = {"role": "assistant", "content": f"Hello from {self.name}."}
        return self._json(
            {
                "id": f"chatcmpl-{self.name}",
                "object": "chat.completion",
                "created": 0,
                "model": asked.get("model", self.name),
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": 0,
                    "completion_tokens": 0,
                    "total_tokens": 0,
                },
            }
        )

    def _json(self, body: dict[str, object]) -> web.Response:
        return web.json_response(body, headers={SERVED_BY: self.name})
