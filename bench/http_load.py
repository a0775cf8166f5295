"""A client that keeps a server busy and costs little itself, so that it is not what is measured.

    python bench/http_load.py < load.json

The load is JSON: the `port` of 127.0.0.1, the `requests` as text, how many `connections` are kept
open, each with one request at a time, for how many `seconds`, and the `pid` of the server. Every
request is sent once before, untimed, so that the server has all its own connections. HTTP/1.1 is
spoken by hand: an answer is known by its first and its last bytes. Prints `Answers` as JSON.
"""

import gc
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Any

STATUS = b"HTTP/1.1 200 "
# What the server answers to everything.
BODY = b'{"answered": true}'


@dataclass(frozen=True)
class Answers:
    """What came of a load.

    How many answers there were a second, the p99 of their times in seconds, and the shares of a
    CPU that server and client used.
    """

    rate: float
    p99: float
    server: float
    client: float

    @property
    def cpu(self) -> float:
        """CPU seconds of the server for each answer."""
        return self.server / self.rate


class Connections:
    """Connections to one server, with one request at a time on each."""

    def __init__(self, port: int, count: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._began: dict[int, float] = {}
        self._pieces: dict[int, bytes] = {}
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[one.fileno()] = one
            self._pieces[one.fileno()] = b""
            self._poll.register(one, select.EPOLLIN)

    def ask(self, requests: Iterator[bytes], seconds: float = float("inf")) -> list[float]:
        """Send requests until there are no more, or for some time, and return what each took.

        Raises RuntimeError on any other answer than the expected one.
        """
        took: list[float] = []
        until = time.perf_counter() + seconds
        busy = sum(self._send(one, requests) for one in self._sockets)
        while busy:
            for one, _ in self._poll.poll():
                if not self._answered(one):
                    continue
                now = time.perf_counter()
                took.append(now - self._began[one])
                if now > until or not self._send(one, requests):
                    busy -= 1
        return took

    def _send(self, one: int, requests: Iterator[bytes]) -> bool:
        request = next(requests, None)
        if request is None:
            return False
        self._began[one] = time.perf_counter()
        self._sockets[one].sendall(request)
        return True

    def _answered(self, one: int) -> bool:
        """Read what there is, and tell whether the answer is whole."""
        piece = self._sockets[one].recv(1 << 16)
        answer = self._pieces[one] + piece
        if not piece or not answer.startswith(STATUS):
            raise RuntimeError(answer)
        whole = answer.endswith(BODY)
        self._pieces[one] = b"" if whole else answer
        return whole


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used: `man 5 proc_pid_stat`."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answers(load: dict[str, Any]) -> Answers:
    """Put a load on a server, and return what came of it."""
    requests = [request.encode() for request in load["requests"]]
    connections = Connections(load["port"], load["connections"])
    connections.ask(iter(requests))
    pids = (load["pid"], os.getpid())
    before = [cpu_seconds(pid) for pid in pids]
    began = time.perf_counter()
    took = connections.ask(cycle(requests), load["seconds"])
    elapsed = time.perf_counter() - began
    server, client = (
        (cpu_seconds(pid) - used) / elapsed for pid, used in zip(pids, before, strict=True)
    )
    return Answers(len(took) / elapsed, quantiles(took, n=100)[98], server, client)


def main() -> None:
    """Read a load and print what came of it."""
    gc.disable()
    print(json.dumps(asdict(answers(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
