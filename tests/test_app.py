"""From files to clients: what is published when the files say something new."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from envoy_data_plane.envoy.config.cluster.v3 import Cluster
from structlog.testing import capture_logs

from server.clients import until
from xds.app import Files, Publisher, control_plane, load_files
from xds.config.problems import ConfigError
from xds.ports import HostPort, listen_failure
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ORDER
from xds.store import SnapshotStore
from xds.wire import discovery_pb2 as wire

PATIENCE = 10.0
Line = MutableMapping[str, Any]


def config(*models: str, port: int = 8000) -> str:
    """Return a configuration with one endpoint that serves some models."""
    served = "".join(f'  "{model}": {{preferred_endpoints: ["a"]}}\n' for model in models)
    return f"""\
vllm_endpoints:
  - name: "a"
    address: "127.0.0.1"
    port: {port}
model_config:
{served}default_model: "{models[0]}"
"""


BAD = config("one").replace("127.0.0.1", "http://127.0.0.1")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    written = Files(tmp_path / "config.yaml")
    written.config.write_text(config("one"))
    return written


@pytest.fixture
def store() -> SnapshotStore:
    return SnapshotStore()


@pytest.fixture
async def publisher(files: Files, store: SnapshotStore) -> Publisher:
    """Return one that published the files already."""
    started = Publisher(files, store)
    await started.publish()
    return started


def words(lines: list[Line]) -> list[str]:
    return [line["event"] for line in lines]


async def test_the_first_configuration_is_published(files: Files, store: SnapshotStore) -> None:
    with capture_logs() as lines:
        await Publisher(files, store).publish()

    assert store.current is not None
    assert [len(store.current.of_type(url)) for url in ORDER] == [1, 1, 1, 1]
    assert list(store.current.of_type(CLUSTERS)) == list(store.current.of_type(ENDPOINTS))
    assert lines == [
        {
            "event": "configuration published",
            "log_level": "info",
            "clusters": "+1",
            "endpoints": "+1",
            "listeners": "+1",
            "routes": "+1",
        }
    ]


async def test_an_edit_is_published_and_the_log_counts_what_it_changes(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    files.config.write_text(config("two", "three"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is not None
    assert sorted(store.current.of_type(CLUSTERS)) == ["model/three", "model/two"]
    assert lines == [
        {
            "event": "configuration published",
            "log_level": "info",
            "clusters": "+2 -1",
            "endpoints": "+2 -1",
            "routes": "~1",
        }
    ]


async def test_the_same_content_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(config("one"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is before
    assert lines == []


async def test_an_edit_of_a_comment_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text("# Reviewed.\n" + config("one"))
    with capture_logs() as lines:
        await publisher.publish()

    assert store.current is before
    assert words(lines) == ["configuration read; nothing that matters here changed"]


async def test_an_edit_of_the_settings_is_published(tmp_path: Path, store: SnapshotStore) -> None:
    files = Files(tmp_path / "config.yaml", tmp_path / "settings.yaml")
    files.config.write_text(config("one"))
    settings = tmp_path / "settings.yaml"
    settings.write_text("listener: {port: 8801}\n")
    publisher = Publisher(files, store)
    await publisher.publish()
    before = store.current

    settings.write_text("listener: {port: 8802}\n")
    await publisher.publish()

    assert before is not None
    assert store.current is not None
    assert list(store.current.changes_since(before)) == [LISTENERS]


async def test_a_bad_edit_keeps_the_last_snapshot(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(BAD)

    with pytest.raises(ConfigError, match="protocol prefix") as raised:
        await publisher.publish()

    [problem] = raised.value.problems
    assert (problem.file, problem.line) == (str(files.config), 3)
    assert store.current is before


async def test_a_file_that_went_away_keeps_the_last_snapshot(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.unlink()

    with pytest.raises(ConfigError, match="there is no such file"):
        await publisher.publish()

    assert store.current is before


async def test_an_empty_file_keeps_the_last_snapshot(  # S1, family 8
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text("")

    with pytest.raises(ConfigError, match="the file is empty"):
        await publisher.publish()

    assert store.current is before


async def test_an_edit_that_is_taken_back_publishes_nothing(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    before = store.current
    files.config.write_text(BAD)
    with pytest.raises(ConfigError):
        await publisher.publish()

    files.config.write_text(config("one"))
    await publisher.publish()

    assert store.current is before


async def test_a_mended_edit_is_published(
    files: Files, store: SnapshotStore, publisher: Publisher
) -> None:
    files.config.write_text(BAD)
    with pytest.raises(ConfigError):
        await publisher.publish()

    files.config.write_text(config("mended"))
    await publisher.publish()

    assert store.current is not None
    assert list(store.current.of_type(CLUSTERS)) == ["model/mended"]


async def test_nothing_is_published_of_a_file_that_is_bad_from_the_start(  # S1, family 8
    files: Files, store: SnapshotStore
) -> None:
    files.config.write_text(BAD)

    with pytest.raises(ConfigError):
        await Publisher(files, store).publish()

    assert store.current is None


def test_what_is_wrong_with_each_of_the_files_is_told_at_once(tmp_path: Path) -> None:
    files = Files(tmp_path / "no-config.yaml", tmp_path / "no-settings.yaml")

    with pytest.raises(ConfigError) as raised:
        load_files(files)

    assert str(raised.value).splitlines() == [
        f"{tmp_path}/no-config.yaml: there is no such file; check the path",
        f"{tmp_path}/no-settings.yaml: there is no such file; check the path",
    ]


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
    async with control_plane(files, "127.0.0.1:0") as port, connected(port) as client:
        assert await client.clusters() == ["model/one"]

        files.config.write_text(config("one", "two"))

        assert await client.clusters() == ["model/one", "model/two"]


async def test_a_control_plane_tells_a_bad_edit_serves_on_and_takes_the_mended_one(
    files: Files,
) -> None:
    refused = "configuration refused; the last good one stays"
    with capture_logs() as lines:
        async with control_plane(files, "127.0.0.1:0") as port, connected(port) as client:
            assert await client.clusters() == ["model/one"]

            files.config.write_text(BAD)
            await until(lambda: refused in words(lines))
            async with connected(port) as newcomer:
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
        async with control_plane(files, "127.0.0.1:0") as port:
            client = await stack.enter_async_context(connected(port))
            await client.clusters()
        assert await client.end() is grpc.StatusCode.UNAVAILABLE

    assert listen_failure(HostPort("127.0.0.1", port)) is None


async def test_a_control_plane_does_not_begin_with_bad_files(files: Files) -> None:
    files.config.write_text(BAD)

    with pytest.raises(ConfigError):
        async with control_plane(files, "127.0.0.1:0"):
            pytest.fail("it began")


async def test_a_control_plane_does_not_begin_on_a_port_in_use(files: Files) -> None:
    async with control_plane(files, "127.0.0.1:0") as port:
        with pytest.raises(OSError, match=f"can not listen on 127.0.0.1:{port}: "):
            async with control_plane(files, f"127.0.0.1:{port}"):
                pytest.fail("it began")
