"""What users feel of a gateway whose models a semantic router picks."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from e2e.http2 import ask_all
from e2e.semantic_router import REFUSAL, SemanticRouter, serving
from e2e.world import Load, World, endpoints, on_loopback, until, world
from xds.ports import HostPort, free_port

WORDS = {"sum": "qwen", "table": "sql-expert", "story": "llama", "riddle": "no-such-model"}
MODELS = """
model_config:
  qwen: {preferred_endpoints: [qwen], loras: [{name: sql-expert}]}
  llama: {preferred_endpoints: [llama]}
default_model: llama
"""

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.each_envoy]


@dataclass
class Routed:
    """A gateway and its router."""

    world: World
    router: SemanticRouter

    async def ask(self, prompt: str, **more: Any) -> Any:
        return await self.world.ask({"model": "auto", "prompt": prompt}, **more)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, envoy_version: str
) -> AsyncIterator[Routed]:
    where = HostPort("127.0.0.1", free_port("127.0.0.1"))
    router = SemanticRouter(WORDS)
    backends = on_loopback("qwen", "llama")
    settings = f"router: {{address: {where.host}, port: {where.port}, message_timeout: 6s}}\n"
    folder = tmp_path_factory.mktemp(f"envoy-{envoy_version}-")
    config = endpoints(backends) + MODELS
    async with serving(router, where), world(folder, config, settings, backends=backends) as here:
        yield Routed(here, router)


async def test_a_request_goes_to_the_model_that_the_router_picks(gateway: Routed) -> None:
    for prompt, server in (("a sum", "qwen"), ("a table", "qwen"), ("a story", "llama")):
        answers = await asyncio.gather(*(gateway.ask(prompt) for _ in range(20)))
        assert {answer.served_by for answer in answers} == {server}


async def test_the_server_sees_the_name_that_the_router_picked(gateway: Routed) -> None:
    seen = json.loads((await gateway.ask("a table")).text)

    assert seen["headers"]["x-selected-model"] == "sql-expert"


async def test_without_a_pick_or_with_an_unknown_one_the_default_serves(gateway: Routed) -> None:
    for prompt in ("hello", "a riddle"):
        assert (await gateway.ask(prompt)).served_by == "llama"


async def test_what_only_the_router_may_say_is_taken_from_clients(gateway: Routed) -> None:
    said = {
        "x-selected-model": "qwen",
        "x-vsr-looper-request": "true",
        "X-Authz-User-Id": "root",
        "x-own": "mine",
    }
    answer = await gateway.ask("hello", headers=said)

    taken = {name.lower() for name in said} - {"x-own"}
    upstream = {name.lower() for name in json.loads(answer.text)["headers"]}
    assert answer.served_by == "llama"
    assert "x-own" in gateway.router.seen[-1].headers
    assert not taken & gateway.router.seen[-1].headers.keys()
    assert "x-own" in upstream
    assert not taken & upstream


async def test_what_the_router_refuses_it_refuses_in_its_own_words(gateway: Routed) -> None:
    answer = await gateway.ask("a forbidden story")

    assert answer.status == 400
    assert json.loads(answer.text) == REFUSAL


async def test_a_router_that_does_not_answer_is_not_waited_for(gateway: Routed) -> None:
    answer = await gateway.ask("hang")

    assert answer.status == 504
    assert json.loads(answer.text)["error"]["code"] == "router_unavailable"


async def test_a_long_prompt_reaches_router_and_server_whole(gateway: Routed) -> None:
    prompt = "a sum" + "x" * 50_000_000
    answer = await gateway.ask(prompt)

    assert answer.served_by == "qwen"
    assert json.loads(gateway.router.seen[-1].body)["prompt"] == prompt


async def test_the_router_sees_an_answer_whole(gateway: Routed) -> None:
    answer = await gateway.ask("a sum")

    assert gateway.router.seen[-1].pieces == [answer.text.encode()]


async def test_clients_may_speak_http_2(gateway: Routed) -> None:
    prompts = ["a sum", "a story"] * 20
    bodies = [{"model": "auto", "prompt": prompt} for prompt in prompts]
    replies = await ask_all(gateway.world.url.removeprefix("http://"), bodies)

    assert [json.loads(reply.body)["served_by"] for reply in replies] == ["qwen", "llama"] * 20


async def test_a_long_prompt_may_come_over_http_2(gateway: Routed) -> None:
    body = {"model": "auto", "prompt": "a story", "more": "x" * (5 << 20)}
    [reply] = await ask_all(gateway.world.url.removeprefix("http://"), [body])

    assert reply.status == 200
    assert json.loads(reply.body)["served_by"] == "llama"


async def test_without_its_api_the_models_are_those_of_the_file(gateway: Routed) -> None:
    asked = len(gateway.router.seen)
    listed = json.loads(await gateway.world.get("/v1/models"))

    assert [card["id"] for card in listed["data"]] == ["qwen", "sql-expert", "llama"]
    assert len(gateway.router.seen) == asked


@pytest.mark.parametrize("allow", [False, True])
async def test_a_router_that_is_away_closes_the_gateway_or_leaves_the_default(
    tmp_path: Path, *, allow: bool
) -> None:
    where = HostPort("127.0.0.1", free_port("127.0.0.1"))
    backends = on_loopback("qwen", "llama")
    settings = f"router: {{address: localhost, port: {where.port}, failure_mode_allow: {allow}}}\n"
    config = endpoints(backends) + MODELS
    async with world(tmp_path, config, settings, backends=backends) as here:
        routed = Routed(here, SemanticRouter(WORDS))
        answer = await routed.ask("a sum", header="qwen")
        if allow:
            assert answer.served_by == "llama"
        else:
            assert answer.status == 503
            assert json.loads(answer.text)["error"]["code"] == "router_unavailable"
        async with serving(routed.router, where):
            await until(lambda: serves(routed, "qwen"), "the router is back")


async def serves(gateway: Routed, server: str) -> bool:
    answer = await gateway.ask("a sum")
    return bool(answer.served_by == server)


async def test_the_models_are_those_of_the_routers_api(tmp_path: Path) -> None:
    backends = on_loopback("qwen", "llama", "api")
    settings = (
        f"router: {{address: 127.0.0.1, port: {free_port('127.0.0.1')},"
        f" api: {{address: localhost, port: {backends['api'].port}}}}}\n"
    )
    config = endpoints({name: backends[name] for name in ("qwen", "llama")}) + MODELS
    async with world(tmp_path, config, settings, backends=backends) as here:
        listed = json.loads(await here.get("/v1/models?limit=1"))
        assert listed["served_by"] == "api"
        assert listed["path"] == "/v1/models?limit=1"
        assert listed["headers"]["Host"] == f"localhost:{backends['api'].port}"
        assert (await here.ask({})).status == 503


async def test_a_router_comes_and_moves_without_a_lost_request(tmp_path: Path) -> None:
    first, second = (HostPort("127.0.0.1", free_port("127.0.0.1")) for _ in range(2))
    backends = on_loopback("qwen", "llama")
    config = endpoints(backends) + MODELS
    body = {"model": "llama", "prompt": "a sum"}
    async with serving(SemanticRouter(WORDS), first), serving(SemanticRouter({}), second):
        async with world(tmp_path, config, backends=backends) as here:
            own = here.settings.read_text()
            async with Load(here, body).going() as load:
                for where, server in ((first, "qwen"), (second, "llama"), (first, "qwen")):
                    router = f"router: {{address: {where.host}, port: {where.port}}}\n"
                    here.settings.write_text(own + router)
                    await until(partial(here.served_by, server, body=body), f"{server} serves")
                    await load.more(50)
            assert load.failed == []
            here.settings.write_text(own)
            await until(partial(only, here, "llama"), "the body decides again")


async def only(gateway: World, server: str) -> bool:
    """Tell whether a server answers; a connection from before the edit may still be refused."""
    answer = await gateway.ask({"model": "llama", "prompt": "a sum"})
    return answer.served_by == server
