"""Know how to measure one scenario: a server, clients in other processes, and what both use."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Self

from child import Child

ROUNDS = 5
ENDPOINTS = 10


@dataclass(frozen=True)
class Scenario:
    """How many streams follow how many clusters, in which variant, and how."""

    streams: int
    clusters: int
    variant: str
    node_always: bool = False
    processes: int = 1

    def __str__(self) -> str:
        node = ", node always" if self.node_always else ""
        two = f", {self.processes} client processes" if self.processes > 1 else ""
        return f"{self.streams} x {self.clusters}, {self.variant}{node}{two}"


@dataclass(frozen=True)
class Figures:
    """Seconds, and bytes of memory; CPU of the client as a share of the seconds of an edit.

    `memory` is that of the whole server with all streams connected and idle, `peak` the most that
    it ever was.
    """

    storm: float
    storm_cpu: float
    storm_client_cpu: float
    edit: float
    edit_cpu: float
    edit_client_share: float
    per_stream: float
    memory: float
    peak: float
    request: float
    response: float


class Clients:
    """The clients, in one process or several that share the streams."""

    def __init__(self, port: int, streams: int, processes: int, *arguments: object) -> None:
        count = streams // processes
        self._children = [Child("light.py", port, count, *arguments) for _ in range(processes)]
        self.cpu = sum(child.hear()["cpu"] for child in self._children)
        self.sizes = [0, 0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.__exit__()

    def ask(self, command: str) -> float:
        """Send a command to all, and return when the last client was done."""
        for child in self._children:
            child.say(command)
        answers = [child.hear() for child in self._children]
        self.cpu = sum(answer["cpu"] for answer in answers)
        self.sizes = answers[0]["sizes"]
        return float(max(answer["last"] for answer in answers))


@dataclass(frozen=True)
class Run:
    """One storm and the edits after it: seconds, CPU seconds of the server and of the clients."""

    storm: tuple[float, float, float]
    edits: list[tuple[float, float, float]]
    idle: dict[str, float]
    sizes: list[int]


def measure(scenario: Scenario, *, runs: int, edits: int) -> Figures:
    """Return the medians of some runs of some edits each, by clients that come anew to a server."""
    with Child("served.py", scenario.clusters, ENDPOINTS) as server:
        first = server.hear()
        found = [run(server, first["port"], scenario, edits) for _ in range(runs)]
        peak = server.ask("usage")["peak"]
    storms = [each.storm for each in found]
    edited = [edit for each in found for edit in each.edits]
    return Figures(
        storm=median(seconds for seconds, _, _ in storms),
        storm_cpu=median(cpu for _, cpu, _ in storms),
        storm_client_cpu=median(cpu for _, _, cpu in storms),
        edit=median(seconds for seconds, _, _ in edited),
        edit_cpu=median(cpu for _, cpu, _ in edited),
        edit_client_share=median(cpu / seconds for seconds, _, cpu in edited),
        per_stream=(found[0].idle["memory"] - first["memory"]) / scenario.streams,
        memory=median(each.idle["memory"] for each in found),
        peak=peak,
        request=found[0].sizes[0],
        response=found[0].sizes[1],
    )


def run(server: Child, port: int, scenario: Scenario, edits: int) -> Run:
    """Let clients come, follow some edits, and go."""
    options = ("--node-always",) if scenario.node_always else ()
    with Clients(port, scenario.streams, scenario.processes, scenario.variant, *options) as clients:
        before, client_before = server.ask("usage"), clients.cpu
        began = time.monotonic()
        storm = clients.ask("connect") - began
        storm_client = clients.cpu - client_before
        idle = server.ask("usage")
        edited = [edit(server, clients) for _ in range(edits)]
    cpu = idle["cpu"] - before["cpu"]
    return Run((storm, cpu, storm_client), edited, idle, clients.sizes)


def edit(server: Child, clients: Clients) -> tuple[float, float, float]:
    """Edit, and return the seconds, and CPU seconds of server and clients, until all have it."""
    before: float = server.ask("usage")["cpu"]
    client_before = clients.cpu
    published: float = server.ask("edit")["published"]
    seconds = clients.ask("await") - published
    after: float = server.ask("usage")["cpu"]
    return seconds, after - before, clients.cpu - client_before
