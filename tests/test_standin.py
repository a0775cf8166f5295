"""The stand-in servers of the demo answer as vLLM does."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from xds.ports import free_port
from xds.standin import SERVED_BY, Standin

CHAT = "/v1/chat/completions"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    standin = Standin("one", free_port("127.0.0.1"))
    await standin.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{standin.port}") as opened:
        yield opened
    await standin.stop()


async def test_a_completion_names_the_server(session: aiohttp.ClientSession) -> None:
    async with session.post(CHAT, json={"model": "m"}) as response:
        assert response.headers[SERVED_BY] == "one"
        answer = await response.json()
    assert answer["model"] == "m"
    assert answer["choices"][0]["message"]["content"] == "Hello from one."


async def test_a_stream_comes_as_events(session: aiohttp.ClientSession) -> None:
    async with session.post(CHAT, json={"model": "m", "stream": True}) as response:
        assert response.content_type == "text/event-stream"
        events = (await response.text()).removesuffix("\n\n").split("\n\n")
    assert events.pop() == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == (
        "Hello from one. "
    )


@pytest.mark.parametrize("body", [b"not json", b"[]", b""])
async def test_what_is_no_request_is_told(session: aiohttp.ClientSession, body: bytes) -> None:
    async with session.post(CHAT, data=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_health_and_models_are_there(session: aiohttp.ClientSession) -> None:
    async with session.get("/health") as response:
        assert response.status == 200
    async with session.get("/v1/models") as response:
        assert [card["id"] for card in (await response.json())["data"]] == ["one"]
