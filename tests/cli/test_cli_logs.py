"""What goes to the log, and what becomes of us where the log goes nowhere."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from cli.console import PATIENCE, Xds
from xds.ports import HostPort, free_port

JSON = ("--log-format", "json")


def test_a_log_that_can_not_be_written_ends_nothing(xds: Xds) -> None:
    admin = HostPort("127.0.0.1", free_port("127.0.0.1"))
    command = [sys.executable, "-m", "xds", "serve", "good.yaml", "--listen", "127.0.0.1:0"]
    # A device on which there is no space left.
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device
        running = subprocess.Popen([*command, "--admin", str(admin)], cwd=xds.folder, stderr=full)
    try:
        deadline = time.monotonic() + PATIENCE
        # To ask whether the port can be listened on would be to take it, for a moment.
        while not _is_listening(admin):
            assert running.poll() is None
            assert time.monotonic() < deadline
            os.sched_yield()
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE)
    assert running.returncode == 0


def _is_listening(address: HostPort) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port)) == 0


def test_what_is_no_http_is_one_line_of_the_log(xds: Xds) -> None:
    running = xds.start("serve", "good.yaml", "--listen", "127.0.0.1:0", *JSON)
    admin = HostPort.parse(json.loads(running.told('"serving"'))["admin"])
    with socket.create_connection((admin.host, admin.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 400")
    told = json.loads(running.told("a request was not understood"))
    assert told["level"] == "info"

    running.signal(signal.SIGTERM)
    assert all(json.loads(line)["event"] for line in running.finish().err.splitlines())
