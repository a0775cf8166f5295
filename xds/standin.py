"""Know how to look like a small vLLM server: OpenAI's API, with answers that name the server."""

import json
from http import HTTPStatus
from typing import Any, Final

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

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            error = {"message": "the body is no JSON object", "type": "invalid_request_error"}
            return self._json({"error": error}, HTTPStatus.BAD_REQUEST)
        if asked.get("stream"):
            return await self._stream(request, asked)
        message = {"role": "assistant", "content": " ".join(self._words())}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return self._json(self._completion(asked, "chat.completion", choice))

    async def _stream(self, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        headers = {SERVED_BY: self.name, "content-type": "text/event-stream"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for word in self._words():
            choice = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
            await self._send(response, self._completion(asked, "chat.completion.chunk", choice))
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await self._send(response, self._completion(asked, "chat.completion.chunk", last))
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _send(self, response: web.StreamResponse, event: dict[str, Any]) -> None:
        await response.write(f"data: {json.dumps(event)}\n\n".encode())

    def _words(self) -> list[str]:
        return ["Hello", "from", f"{self.name}."]

    def _completion(
        self, asked: dict[str, Any], kind: str, choice: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.name}",
            "object": kind,
            "created": 0,
            "model": asked.get("model", self.name),
            "choices": [choice],
        }

    def _json(self, body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
        return web.json_response(body, status=status, headers={SERVED_BY: self.name})
