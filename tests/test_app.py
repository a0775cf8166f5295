"""The control plane as one: what reaches a client when the files say something new."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from structlog.testing import capture_logs

from server.clients import until
from written import BAD, config, words
from xds.app import control_plane
from xds.config.problems import ConfigError
from xds.files import Files
from xds.ports import HostPort, listen_failure
from xds.resources import CLUSTERS
from xds.wire import discovery_pb2 as wire

PATIENCE = 10.0


@pytest.fixture
def files(tmp_path: Path) -> Files:
    written = Files(tmp_path / "config.yaml")
    written.config.write_text(config("one"))
    return written


class Client:
    """A client that follows the clusters."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call: Any = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
            request_serializer=wire.DiscoveryRequest.SerializeToString,
            response_deserializer=wire.DiscoveryResponse.FromString,
        )()
        self._nonce = ""

    async def clusters(self) -> list[str]:
        """Ask, or accept what came last, and return the names that come next."""
        request = wire.DiscoveryRequest(
            type_url=CLUSTERS, node=wire.Node(id="envoy"), response_nonce=self._nonce
        )
        await self._call.write(request)
        async with asyncio.timeout(PATIENCE):
            response = await self._call.read()
        self._nonce = response.nonce
        return [Cluster.parse(resource.value).name for resource in response.resources]

    async def end(self) -> grpc.StatusCode:
        async with asyncio.timeout(PATIENCE):
            code: grpc.StatusCode = await self._call.code()
            return code


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(channel)


async def test_a_control_plane_serves_the_files_and_follows_them(files: Files) -> None:
    async with control_plane(files, "127.0.0.1:0") as running, connected(running.port) as client:
        assert await client.clusters() == ["model/one"]

        files.config.write_text(config("one", "two"))

        assert await client.clusters() == ["model/one", "model/two"]


async def test_a_control_plane_tells_a_bad_edit_serves_on_and_takes_the_mended_one(
    files: Files,
) -> None:
    refused = "configuration refused; the last good one stays"
    with capture_logs() as lines:
        async with (
            control_plane(files, "127.0.0.1:0") as running,
            connected(running.port) as client,
        ):
            assert await client.clusters() == ["model/one"]

            files.config.write_text(BAD)
            await until(lambda: refused in words(lines))
            async with connected(running.port) as newcomer:
                assert await newcomer.clusters() == ["model/one"]

            files.config.write_text(config("one", "two"))
            assert await client.clusters() == ["model/one", "model/two"]

    [told] = [line for line in lines if line["event"] == refused]
    assert told["log_level"] == "error"
    assert told["problem"].startswith(f"{files.config}:3:14: vllm_endpoints[0].address: ")


async def test_a_control_plane_that_ends_lets_its_clients_go_and_leaves_the_port(  # G17
    files: Files,
) -> None:
    async with AsyncExitStack() as stack:
        async with control_plane(files, "127.0.0.1:0") as running:
            client = await stack.enter_async_context(connected(running.port))
            await client.clusters()
        assert await client.end() is grpc.StatusCode.UNAVAILABLE

    assert listen_failure(HostPort("127.0.0.1", running.port)) is None


async def test_a_control_plane_does_not_begin_with_bad_files(files: Files) -> None:
    files.config.write_text(BAD)

    with pytest.raises(ConfigError):
        async with control_plane(files, "127.0.0.1:0"):
            pytest.fail("it began")


async def test_a_control_plane_does_not_begin_on_a_port_in_use(files: Files) -> None:
    async with control_plane(files, "127.0.0.1:0") as running:
        taken = f"127.0.0.1:{running.port}"
        with pytest.raises(OSError, match=f"can not listen on {taken}: "):
            async with control_plane(files, taken):
                pytest.fail("it began")
