"""A router that has several replicas behind one name."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from e2e.dns import name_server
from e2e.envoys import chosen
from e2e.semantic_router import SemanticRouter, serving
from e2e.world import until
from xds.cli import app
from xds.dataplane import envoy
from xds.ports import HostPort, free_port
from xds.standin import Standin

pytestmark = pytest.mark.each_envoy

REPLICAS = ("127.0.0.1", "127.0.0.2")


@asynccontextmanager
async def gateway(folder: Path, router: int, names: int) -> AsyncIterator[str]:
    """Run an Envoy that knows a router by its name; yields the gateway's address."""
    config, settings = folder / "config.yaml", folder / "settings.yaml"
    server, port = Standin("one", free_port("127.0.0.1")), free_port("127.0.0.1")
    config.write_text(f"vllm_endpoints: [{{name: a, address: 127.0.0.1, port: {server.port}}}]\n")
    settings.write_text(
        f"listener: {{address: 127.0.0.1, port: {port}}}\n"
        f"router: {{address: router.example, port: {router}}}\n"
    )
    command = ["render", str(config), "--settings", str(settings), "--static", "-o", "json"]
    printed = json.loads(CliRunner().invoke(app, [*command, "--envoy-admin", "127.0.0.1:0"]).stdout)
    printed["typed_dns_resolver_config"] = resolver(names)
    await server.start()
    try:
        running = envoy(
            chosen(), json.dumps(printed), concurrency=1, access_log=folder / "envoy.log"
        )
        async with running:
            yield f"http://127.0.0.1:{port}/v1/chat/completions"
    finally:
        await server.stop()


def resolver(port: int) -> dict[str, Any]:
    kind = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port, "protocol": "UDP"}}
    return {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {"@type": f"type.googleapis.com/{kind}", "resolvers": [address]},
    }


async def status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.post(url, json={"model": "auto", "prompt": "hello"}) as response:
        return response.status


async def test_replicas_behind_one_name_share_the_requests(
    tmp_path: Path,
) -> None:
    port = free_port("127.0.0.1")
    one, other = SemanticRouter({}), SemanticRouter({})
    async with (
        name_server(*REPLICAS) as names,
        serving(one, HostPort(REPLICAS[0], port)),
        gateway(tmp_path, port, names) as url,
        aiohttp.ClientSession() as session,
    ):
        async with serving(other, HostPort(REPLICAS[1], port)):
            await until(lambda: both(session, url, one, other), "both replicas are asked")
        # As likely as not, each of these is meant for the one that is gone.
        assert [await status(session, url) for _ in range(40)] == [200] * 40


async def both(session: aiohttp.ClientSession, url: str, *routers: SemanticRouter) -> bool:
    assert await status(session, url) == 200
    return all(router.seen for router in routers)
