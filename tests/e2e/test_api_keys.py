"""What users feel of several listeners, of which one asks for a key."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.world import World, on_loopback, until, world
from xds.ports import free_port

KEYS = ("sk-one", "sk-2/two=")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[World]:
    """Run a gateway with two listeners, of which the one at its url asks for a key."""
    backends = on_loopback("a")
    locked, inner = free_port("127.0.0.1"), free_port("127.0.0.1")
    config = f"""\
version: v0.3
listeners:
  - {{name: locked, address: 127.0.0.1, port: {locked}, api_keys: {json.dumps(KEYS)}}}
  - {{name: inner, address: 127.0.0.1, port: {inner}}}
providers:
  models:
    - {{name: m, backend_refs: [{{endpoint: "127.0.0.1:{backends["a"].port}"}}]}}
"""
    async with world(tmp_path, config, backends=backends) as here:
        here.url = f"http://127.0.0.1:{inner}"
        await until(lambda: answers(here), "the listener without keys answers")
        here.url = f"http://127.0.0.1:{locked}"
        yield here


async def answers(gateway: World) -> bool:
    return (await gateway.ask()).status == 200


@pytest.mark.parametrize("key", KEYS)
async def test_a_request_with_a_key_passes_and_no_server_sees_the_key(
    gateway: World, key: str
) -> None:
    answer = await gateway.ask({"model": "m"}, headers={"authorization": f"Bearer {key}"})

    assert answer.status == 200
    assert "Authorization" not in json.loads(answer.text)["headers"]
    assert not any(known in gateway.control_plane.output for known in KEYS)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer sk-other"},
        {"authorization": "Bearer"},
        {"authorization": "Basic c2s6b25l"},
        {"x-api-key": KEYS[0]},
    ],
)
async def test_a_request_without_one_is_refused_as_openai_would(
    gateway: World, headers: dict[str, str]
) -> None:
    sent = {"content-type": "application/json", **headers}
    for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models")):
        url = gateway.url + path
        async with gateway.session.request(method, url, data=b"{}", headers=sent) as refused:
            body = await refused.json()
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
        assert body["error"].keys() == {"message", "type", "param", "code"}
        assert body["error"]["code"] == "invalid_api_key"
        assert body["error"]["param"] is None


async def test_envoy_tells_the_keys_to_nobody(gateway: World) -> None:
    dump = await gateway.get("/config_dump", gateway.admin)

    assert "locked/routes" in dump
    assert not any(key in dump for key in KEYS)
