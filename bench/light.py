"""Many clients in one process that does little else: what they cost is not what is measured.

    python bench/light.py PORT STREAMS sotw|delta [--node-always]
    python bench/light.py PORT STREAMS pushed|echoed --size BYTES

Each client has a connection of its own. Of a response, only what an answer needs is read. Once
ready it prints what it has used. Commands come on standard input, a line each, and are answered
with JSON:

    connect   open all connections, ask for all clusters and their load assignments, and wait until
              every client has both; of bytes, until every client was sent a message
    await     wait until every client has one more response for load assignments
    send      have every client send a message, and wait until each has one more
"""

import argparse
import json
import selectors
import sys
import time
from typing import ClassVar

from child import used
from http2 import Call
from xds.resources import CLUSTERS, ENDPOINTS
from xds.server.services import SERVICES
from xds.wire import discovery_pb2 as wire

ADS = SERVICES[0]
BYTES = ("pushed", "echoed")
EXTENSIONS = 516


def node() -> wire.Node:
    """Return a node of the size that Envoy 1.40 sends: 61 KB, most of it its 516 extensions."""
    extension = b"\x0a\x30" + b"envoy.filters.http.an_extension_with_a_long_name"
    extension += b"\x12\x44type.googleapis.com/envoy.extensions.filters.http.some.v3.Extension_"
    listed = (b"\x4a" + bytes([len(extension)]) + extension) * EXTENSIONS
    return wire.Node.FromString(wire.Node(id="light", cluster="bench").SerializeToString() + listed)


class Client(Call):
    """A client that counts the messages that concern it."""

    variant: ClassVar[str] = ADS.sotw

    def __init__(self, port: int) -> None:
        self.got = 0
        self.at = 0.0
        self.sizes = [0, 0]
        super().__init__(("127.0.0.1", port), f"/{ADS.name}/{self.variant}")

    def note(self, message: bytes) -> None:
        """Count a message."""
        self.got += 1
        self.at = time.monotonic()
        self.sizes[1] = len(message)

    def send(self, message: bytes) -> None:
        """Send a message."""
        self.sizes[0] = len(message)
        super().send(message)


class BytesClient(Client):
    """A client of a server that only moves bytes; what is pushed is answered, as with xDS."""

    def __init__(self, port: int, size: int, *, answers: bool) -> None:
        self._answer = bytes(size)
        self._answers = answers
        super().__init__(port)
        self.again()

    def again(self) -> None:
        """Send one more message."""
        self.send(self._answer)

    def take(self, message: bytes) -> None:
        """Take a message."""
        self.note(message)
        if self._answers:
            self.again()


class SotwClient(Client):
    """A client that wants everything, in the state-of-the-world variant."""

    def __init__(self, port: int, *, node_always: bool) -> None:
        self._node_always = node_always
        self._is_known = False
        self.names: list[str] = []
        super().__init__(port)
        self.ask(CLUSTERS)

    def ask(self, type_url: str, nonce: str = "", *, is_first: bool = False) -> None:
        """Send a request: the first of a type, or an ACK."""
        message = self.request(type_url, nonce, is_first=is_first)
        if self._node_always or not self._is_known:
            message.node.CopyFrom(NODE)
            self._is_known = True
        self.send(message.SerializeToString())

    def request(
        self, type_url: str, nonce: str, *, is_first: bool
    ) -> wire.DiscoveryRequest | wire.DeltaDiscoveryRequest:
        """Return a request: in this variant, each tells the whole wish."""
        del is_first
        names = self.names if type_url == ENDPOINTS else ()
        return wire.DiscoveryRequest(type_url=type_url, response_nonce=nonce, resource_names=names)

    def take(self, message: bytes) -> None:
        """Take a response, and answer it."""
        response = wire.DiscoveryResponse.FromString(message)
        names = [each.value[2 : 2 + each.value[1]].decode() for each in response.resources]
        self.answer(response.type_url, response.nonce, names, message)

    def answer(self, type_url: str, nonce: str, names: list[str], message: bytes) -> None:
        """Accept a response; after the first clusters, ask for their load assignments."""
        if type_url == ENDPOINTS:
            self.note(message)
        elif not self.names:
            self.names = names
            self.ask(ENDPOINTS, is_first=True)
        self.ask(type_url, nonce)


class DeltaClient(SotwClient):
    """A client that wants everything, in the incremental variant."""

    variant: ClassVar[str] = ADS.delta

    def request(
        self, type_url: str, nonce: str, *, is_first: bool
    ) -> wire.DiscoveryRequest | wire.DeltaDiscoveryRequest:
        """Return a request: in this variant, only the first tells names."""
        return wire.DeltaDiscoveryRequest(
            type_url=type_url,
            response_nonce=nonce,
            resource_names_subscribe=self.names if is_first else (),
        )

    def take(self, message: bytes) -> None:
        """Take a response, and answer it."""
        response = wire.DeltaDiscoveryResponse.FromString(message)
        names = [each.name for each in response.resources]
        self.answer(response.type_url, response.nonce, names, message)


NODE = node()


class Clients:
    """All clients, and what waits for their sockets."""

    def __init__(self) -> None:
        self.all: list[Client] = []
        self._behind: set[Client] = set()
        self._selector = selectors.DefaultSelector()

    def add(self, client: Client) -> None:
        """Take one more, and what has arrived meanwhile."""
        self._selector.register(client.socket, selectors.EVENT_READ, client)
        self.all.append(client)
        self._behind.add(client)
        self._drain(0)

    def send(self) -> None:
        """Have every client send a message."""
        for client in self.all:
            if isinstance(client, BytesClient):
                client.again()
        self._behind.update(self.all)

    def wait(self, count: int) -> None:
        """Wait until all have that many messages, and have sent what there is to send."""
        late = {client for client in self.all if client.got < count}
        while late or self._behind:
            late -= {client for client in self._drain(1 if late else 0) if client.got >= count}

    def _drain(self, patience: float) -> set[Client]:
        """Take what has arrived, and return for whom."""
        ready: set[Client] = {key.data for key, _ in self._selector.select(patience)}
        for client in ready:
            client.receive()
        for client in self._behind:
            client.flush()
        self._behind = {client for client in self._behind | ready if client.is_behind}
        return ready


def made(given: argparse.Namespace) -> Client:
    """Return one more client of the kind that is measured."""
    if given.variant in BYTES:
        return BytesClient(given.port, given.size, answers=given.variant == "pushed")
    kind = SotwClient if given.variant == "sotw" else DeltaClient
    return kind(given.port, node_always=given.node_always)


def main() -> None:
    """Follow the commands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("streams", type=int)
    parser.add_argument("variant", choices=("sotw", "delta", *BYTES))
    parser.add_argument("--node-always", action="store_true")
    parser.add_argument("--size", type=int)
    given = parser.parse_args()
    clients = Clients()
    print(json.dumps(used()), flush=True)
    for rounds, line in enumerate(sys.stdin, start=1):
        if line.strip() == "connect":
            for _ in range(given.streams):
                clients.add(made(given))
        if line.strip() == "send":
            clients.send()
        clients.wait(rounds)
        last = max(clients.all, key=lambda client: client.at)
        print(json.dumps({"last": last.at, "sizes": last.sizes, **used()}), flush=True)


if __name__ == "__main__":
    main()
