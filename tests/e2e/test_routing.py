"""A request arrives where its model lives."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from e2e.http2 import ask_all
from e2e.world import World, endpoints, on_loopback, world

MODELS = """
model_config:
  "qwen2.5":
    preferred_endpoints: ["qwen-a", "qwen-b"]
    loras: [{name: "sql-expert"}]
  "org/llama": {preferred_endpoints: ["llama-a"]}
  "模型": {preferred_endpoints: ["other"]}
"""
DEFAULT = 'default_model: "org/llama"\n'


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.each_envoy]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, envoy_version: str
) -> AsyncIterator[World]:
    backends = on_loopback("qwen-a", "qwen-b", "llama-a", "other")
    config = endpoints(backends) + MODELS + DEFAULT
    async with world(
        tmp_path_factory.mktemp(f"envoy-{envoy_version}-"), config, backends=backends
    ) as running:
        yield running


async def test_no_request_reaches_the_endpoints_of_another_model(gateway: World) -> None:
    own = {
        "qwen2.5": {"qwen-a", "qwen-b"},
        "sql-expert": {"qwen-a", "qwen-b"},
        "org/llama": {"llama-a"},
        "模型": {"other"},
    }
    served = await asyncio.gather(
        *(gateway.count(200, {"model": model}, workers=4) for model in own)
    )

    assert dict(zip(own, map(set, served), strict=True)) == own


async def test_a_request_without_a_model_goes_to_the_default(gateway: World) -> None:
    bodies: list[Any] = [{}, {"messages": []}, b"", b"[1]", {"model": ""}, {"model": None}]
    for body in bodies:
        answer = await gateway.ask(body)
        assert answer.served_by == "llama-a", (body, answer)


async def test_an_unknown_model_goes_to_the_default(gateway: World) -> None:
    assert (await gateway.ask({"model": "no-such-model"})).served_by == "llama-a"
    assert (await gateway.ask(header="no-such-model")).served_by == "llama-a"


async def test_the_header_wins_over_the_body(gateway: World) -> None:
    answer = await gateway.ask({"model": "org/llama"}, header="sql-expert")

    assert answer.served_by in {"qwen-a", "qwen-b"}


async def test_an_empty_header_counts_as_none(gateway: World) -> None:
    answer = await gateway.ask({"model": "模型"}, header="")

    assert answer.served_by == "other"


@pytest.mark.parametrize("name", ["x\r\ny", "x\ny", "x\0y", "\x7f", "x" * 1000])
async def test_what_no_model_can_be_called_reaches_no_server(gateway: World, name: str) -> None:
    answer = await gateway.ask({"model": name})

    assert answer.status == 404
    assert json.loads(answer.text)["error"]["code"] == "model_not_found"


async def test_a_long_name_is_a_name(gateway: World) -> None:
    assert (await gateway.ask({"model": "模" * 333})).served_by == "llama-a"


async def test_the_backend_sees_the_model_that_was_found(gateway: World) -> None:
    answer = await gateway.ask({"model": "qwen2.5"})

    assert json.loads(answer.text)["headers"]["x-selected-model"] == "qwen2.5"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
async def test_json_is_read_however_it_is_called(gateway: World, content_type: str) -> None:
    answer = await gateway.ask({"model": "模型"}, headers={"content-type": content_type})

    assert answer.served_by == "other"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_is_not_called_json_is_not_read(gateway: World, content_type: str) -> None:
    answer = await gateway.ask({"model": "模型"}, headers={"content-type": content_type})

    assert answer.served_by == "llama-a"
    assert "x-selected-model" not in map(str.lower, json.loads(answer.text)["headers"])


async def test_what_is_called_nothing_is_read(gateway: World) -> None:
    url, body = f"{gateway.url}/v1/chat/completions", '{"model": "模型"}'.encode()
    unnamed = gateway.session.post(url, data=body, skip_auto_headers=["content-type"])
    async with unnamed as response:
        found = await response.json()

    assert "Content-Type" not in found["headers"]
    assert found["served_by"] == "other"


async def test_the_model_is_found_behind_a_long_prompt(gateway: World) -> None:
    answer = await gateway.ask({"prompt": "x" * 50_000_000, "model": "模型"})

    assert answer.served_by == "other"


async def test_clients_may_speak_http_2(gateway: World) -> None:
    bodies = [{"model": name} for name in ("模型", "org/llama", "no-such-model")] * 10
    replies = await ask_all(gateway.url.removeprefix("http://"), bodies)

    served = [json.loads(reply.body)["served_by"] for reply in replies]
    assert served == ["other", "llama-a", "llama-a"] * 10
    assert {reply.status for reply in replies} == {200}


async def test_a_long_prompt_may_come_over_http_2(gateway: World) -> None:
    prompt = "x" * (40 << 20)
    [reply] = await ask_all(
        gateway.url.removeprefix("http://"), [{"prompt": prompt, "model": "模型"}]
    )

    assert reply.status == 200
    assert json.loads(reply.body)["served_by"] == "other"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"prompt": "\\ud83d", "model": "org/llama"}', id="half of a pair"),
        pytest.param(b'{"temperature": NaN, "model": "org/llama"}', id="no number"),
        pytest.param(b'{"model": "org/llama"', id="cut off"),
        pytest.param(b"model=org/llama", id="a form"),
    ],
)
async def test_a_body_that_is_no_json_is_not_taken_for_one_without_a_model(
    gateway: World, body: bytes
) -> None:
    answer = await gateway.ask(body)

    assert answer.status == 400
    error = json.loads(answer.text)["error"]
    assert error["type"] == "invalid_request_error"
    assert "not JSON" in error["message"]
    # Whoever says the model in the header needs no body that can be read.
    assert (await gateway.ask(body, header="org/llama")).served_by == "llama-a"


async def test_the_models_are_listed_in_openais_shape(gateway: World) -> None:
    for path in ("/v1/models", "/v1/models?limit=5"):
        listed = json.loads(await gateway.get(path))
        assert listed["object"] == "list"
        assert [card["id"] for card in listed["data"]] == [
            "qwen2.5",
            "sql-expert",
            "org/llama",
            "模型",
        ]
        assert all(card["object"] == "model" for card in listed["data"])


async def test_the_head_of_the_list_can_be_had_alone(gateway: World) -> None:
    async with gateway.session.head(f"{gateway.url}/v1/models") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert await response.read() == b""


async def test_without_a_default_model_all_endpoints_serve_the_rest(tmp_path: Path) -> None:
    backends = on_loopback("qwen-a", "qwen-b", "llama-a", "other")
    config = endpoints(backends) + MODELS
    async with world(tmp_path, config, backends=backends) as gateway:
        assert await gateway.served_by(*backends)
        assert await gateway.served_by("llama-a", body={"model": "org/llama"})


async def test_an_unknown_model_is_refused_where_the_settings_say_so(tmp_path: Path) -> None:
    backends = on_loopback("qwen-a", "qwen-b", "llama-a", "other")
    config = endpoints(backends) + MODELS + DEFAULT
    settings = "routing: {unknown_model: reject, model_header: x-model}\n"
    async with world(tmp_path, config, settings, backends=backends) as gateway:
        refused = await gateway.ask({"model": "no-such-model"})
        assert refused.status == 404
        assert json.loads(refused.text)["error"]["code"] == "model_not_found"
        assert (await gateway.ask({})).served_by == "llama-a"
        assert (await gateway.ask({}, headers={"x-model": "qwen2.5"})).served_by != "llama-a"
        assert (await gateway.ask({"model": "模型"})).served_by == "other"


async def test_a_list_of_models_may_be_long(tmp_path: Path) -> None:
    backends = on_loopback("a")
    names = [f"model-with-a-long-name-{number}" for number in range(300)]
    config = (
        endpoints(backends) + "model_config:\n" + "".join(f"  {name}: {{}}\n" for name in names)
    )
    async with world(tmp_path, config, backends=backends) as gateway:
        listed = json.loads(await gateway.get("/v1/models"))

    assert [card["id"] for card in listed["data"]] == names


async def test_an_endpoint_may_have_a_name_where_the_settings_say_so(tmp_path: Path) -> None:
    backends = on_loopback("named", "numbered")
    config = endpoints(backends).replace("127.0.0.1", "localhost", 1)
    settings = "allow_domain_names: true\n"
    async with world(tmp_path, config, settings, backends=backends) as gateway:
        assert await gateway.served_by("named", "numbered")
