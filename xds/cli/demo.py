"""`xds demo`: a whole gateway with stand-in servers, to try and to break."""

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

import aiohttp
import typer

from xds.cli.life import run
from xds.cli.logs import LogFormat, LogLevel, configure_logs
from xds.demo import CheckError, Demo, demo_config, running_demo
from xds.standin import SERVED_BY

_CHAT: Final = "/v1/chat/completions"
_PATIENCE: Final = 20.0


def demo(
    check: Annotated[
        bool,
        typer.Option("--check", help="Send the requests, tell what came, and exit."),
    ] = False,
) -> None:
    """Run a gateway with three stand-in servers in a temporary folder."""
    # A check makes failures happen; what the control plane says of them is no news.
    configure_logs(LogFormat.CONSOLE, LogLevel.ERROR if check else LogLevel.INFO)
    run(_check() if check else _stay())


async def _stay() -> None:
    async with running_demo() as running:
        typer.echo(_invitation(running))
        await running.envoy.run()


def _invitation(running: Demo) -> str:
    ask = f"curl {running.url}{_CHAT} -H 'content-type: application/json' -d"
    return f"""
A gateway is running, with three stand-in servers behind it. Try:

  curl {running.url}/v1/models
  {ask} '{{"model": "llama", "messages": []}}'
  {ask} '{{"model": "qwen3", "messages": []}}'

The last one is answered by qwen-a three times out of four. To change that, edit and save

  {running.config}

Envoy's own view: curl http://{running.envoy.admin}/clusters
Ctrl-C ends the demo, and removes its folder."""


async def _check() -> None:
    async with running_demo() as running, aiohttp.ClientSession(running.url) as session:
        checker = _Checker(running, session)
        for promise in (
            checker.routing,
            checker.weights,
            checker.hot_reload,
            checker.failover,
        ):
            typer.echo(f"ok: {await promise()}")


class _Checker:
    """Sends requests through the demo and holds what comes against what was promised."""

    def __init__(self, running: Demo, session: aiohttp.ClientSession) -> None:
        self._demo = running
        self._session = session

    async def routing(self) -> str:
        for body, header, wanted in (
            ({"model": "llama"}, None, "llama-a"),
            ({"model": "qwen3"}, "llama", "llama-a"),
            ({}, None, "qwen-"),
            ({"model": "no-such-model"}, None, "qwen-"),
        ):
            served = await self._ask(body, header)
            _must(
                served.startswith(wanted),
                f"{body}, header {header}: served by {served}",
            )
        async with self._session.get("/v1/models") as response:
            listed = [card["id"] for card in (await response.json())["data"]]
        _must(listed == ["qwen3", "llama"], f"GET /v1/models lists {listed}")
        return "each model is served by its own servers, named in the body or in the header"

    async def weights(self) -> str:
        served = await self._count(400)
        share = served["qwen-a"]
        _must(abs(share - 300) <= 20, f"of 400 requests qwen-a got {share}")  # noqa: PLR2004
        return f"weights 3 and 1: of 400 requests {share} and {400 - share}"

    async def hot_reload(self) -> str:
        config = demo_config(
            self._demo.standins,
            weight=1,
            models='  "mistral":\n    preferred_endpoints: ["llama-a"]\n',
        )
        self._demo.config.write_text(config)
        await self._until(lambda served: served == {"llama-a"}, "mistral")
        served = await self._count(200)
        share = served["qwen-a"]
        _must(abs(share - 100) <= 10, f"of 200 requests qwen-a got {share}")  # noqa: PLR2004
        return f"an edit of the file: a new model, and weights 1 and 1: {share} and {200 - share}"

    async def failover(self) -> str:
        victim = self._demo.standins["qwen-a"]
        await victim.stop()
        served = await self._count(200)
        _must(set(served) == {"qwen-b"}, f"with qwen-a down, served by {dict(served)}")
        await victim.start()
        await self._until(lambda names: names == {"qwen-a", "qwen-b"}, "qwen3")
        return "a server went away and came back: 200 requests meanwhile, none failed"

    async def _count(self, requests: int) -> Counter[str]:
        return Counter([await self._ask({"model": "qwen3"}) for _ in range(requests)])

    async def _until(self, enough: Callable[[set[str]], bool], model: str) -> None:
        served: set[str] = set()
        try:
            async with asyncio.timeout(_PATIENCE):
                while not enough(served):
                    served = {await self._ask({"model": model}) for _ in range(8)}
        except TimeoutError:
            message = f"after {_PATIENCE} s, {model} is served by {sorted(served)}"
            raise CheckError(message) from None

    async def _ask(self, body: dict[str, Any], header: str | None = None) -> str:
        headers = {"x-selected-model": header} if header else {}
        async with self._session.post(_CHAT, json=body, headers=headers) as response:
            said = await response.text()
            _must(response.status == HTTPStatus.OK, f"{body}: {response.status} {said}")
            return response.headers[SERVED_BY]


def _must(holds: bool, otherwise: str) -> None:  # noqa: FBT001
    if not holds:
        raise CheckError(otherwise)
