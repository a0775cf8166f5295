"""What clients read when Envoy itself refuses a request: an error as OpenAI writes it."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio

from e2e.world import World, endpoints, on_loopback, world
from xds.ports import HostPort, free_port

SETTINGS = "models: {slow: {resilience: {timeout: {request: 200ms}}}}\n"

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.each_envoy]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, envoy_version: str
) -> AsyncIterator[World]:
    backends = on_loopback("a")
    dead = HostPort("127.0.0.1", free_port("127.0.0.1"))
    config = endpoints({**backends, "dead": dead}) + (
        "model_config:\n"
        "  slow: {preferred_endpoints: [a]}\n"
        "  dead: {preferred_endpoints: [dead]}\n"
        "default_model: slow\n"
    )
    folder = tmp_path_factory.mktemp(f"envoy-{envoy_version}-")
    async with world(folder, config, SETTINGS, backends=backends) as running:
        yield running


def error(text: str) -> Any:
    found = json.loads(text)["error"]
    assert found.keys() == {"message", "type", "param", "code"}
    assert found["message"]
    return found


async def test_no_server_answers(gateway: World) -> None:
    answer = await gateway.ask({"model": "dead"})

    assert answer.status == 503
    assert error(answer.text)["type"] == "server_error"


async def test_a_server_takes_too_long(gateway: World) -> None:
    answer = await gateway.ask({"model": "slow"}, delay=5)

    assert answer.status == 504
    assert error(answer.text)["type"] == "server_error"


async def test_a_request_is_too_large(gateway: World) -> None:
    url = f"{gateway.url}/v1/chat/completions"
    body = BytesIO(b"x" * (60 << 20))
    headers = {"content-type": "application/json"}
    async with gateway.session.post(url, data=body, headers=headers) as refused:
        assert refused.status == 413
        assert refused.content_type == "application/json"
        assert error(await refused.text())["type"] == "invalid_request_error"


async def test_a_request_is_no_http(gateway: World) -> None:
    reader, writer = await asyncio.open_connection(*gateway.url.rpartition("/")[2].split(":"))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx: \x01\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    assert head.startswith(b"HTTP/1.1 400 ")
    assert error(body.decode())["type"] == "invalid_request_error"


async def test_what_a_server_says_of_itself_stays(gateway: World) -> None:
    answer = await gateway.ask({"model": "slow"}, headers={"x-delay": "soon"})

    assert answer.status == 500
    assert "Internal Server Error" in answer.text
    assert "{" not in answer.text
