"""What a message and its answer cost a server, beside servers that only move bytes.

All servers are there at once and take turns, so that what else this machine does troubles them
alike. The cost of one message is what many streams cost more than one does: what an edit costs
however many follow is not in it.
"""

from contextlib import ExitStack
from statistics import median

from child import Child
from scenario import ENDPOINTS, Clients, Figures, Scenario

ROUNDS = 15
# With the arguments of those that move bytes: gRPC as it comes, and without its pings.
BYTES = {
    "echo": ("echo",),
    "push": ("push",),
    "echo, no probe": ("echo", "--no-probe"),
    "push, no probe": ("push", "--no-probe"),
}
SERVERS = ("ours", *BYTES)


class Turn:
    """A server and its clients; each call has every stream carry a message and its answer."""

    def __init__(self, server: Child, clients: Clients, *, is_echo: bool = False) -> None:
        self._server = server
        self._clients = clients
        self._is_echo = is_echo
        clients.ask("connect")

    def __call__(self) -> float:
        """Return the CPU seconds of the server."""
        before: float = self._server.ask("usage")["cpu"]
        if not self._is_echo:
            self._server.ask("edit")
        self._clients.ask("send" if self._is_echo else "await")
        after: float = self._server.ask("usage")["cpu"]
        return after - before


def per_message(scenario: Scenario, like: Figures) -> dict[str, float]:
    """Return the CPU seconds of a message and its answer, by server; sizes are as in `like`."""
    with ExitStack() as stack:

        def ours(streams: int) -> Turn:
            server = stack.enter_context(Child("served.py", scenario.clusters, ENDPOINTS))
            port = server.hear()["port"]
            clients = Clients(port, streams, 1, scenario.variant)
            return Turn(server, stack.enter_context(clients))

        def of_bytes(streams: int, kind: str, *options: str) -> Turn:
            server = stack.enter_context(Child("floor.py", kind, int(like.response), *options))
            port = server.hear()["port"]
            clients = Clients(port, streams, 1, f"{kind}ed", "--size", int(like.request))
            return Turn(server, stack.enter_context(clients), is_echo=kind == "echo")

        turns: dict[tuple[str, int], Turn] = {}
        for streams in (scenario.streams, 1):
            turns["ours", streams] = ours(streams)
            for name, arguments in BYTES.items():
                turns[name, streams] = of_bytes(streams, *arguments)
        rounds = [{key: turn() for key, turn in turns.items()} for _ in range(ROUNDS)]
    cost = {key: median(each[key] for each in rounds) for key in turns}
    return {
        name: (cost[name, scenario.streams] - cost[name, 1]) / (scenario.streams - 1)
        for name in SERVERS
    }
