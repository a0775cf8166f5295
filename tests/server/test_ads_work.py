"""How much is encoded for how many clients: what is sent alike once, and only what changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from server.clients import Client, DeltaClient, Served, cluster, connection, until
from xds.protocol.messages import Response
from xds.resources import CLUSTERS, ENDPOINTS, ROUTES, Resource
from xds.server.transport import sotw_request
from xds.wire import discovery_pb2 as wire

CLIENTS = 50
FLEET = 1_000

Kind = type[Client | DeltaClient]
BOTH = pytest.mark.parametrize("kind", [Client, DeltaClient])


def fleet(changed: str = "") -> list[Resource]:
    """Return a thousand clusters and their load assignments, one of them with other content."""
    clusters = [cluster(f"{number:03}") for number in range(FLEET)]
    assignments = [Resource(ENDPOINTS, each.name, b"") for each in clusters]
    clusters[7] = cluster("007", changed)
    return clusters + assignments


class Work:
    """What the encoders of a server were given to encode."""

    def __init__(self, served: Served) -> None:
        self.encoded: list[tuple[str, int]] = []
        for language in (served.ads._sotw, served.ads._delta):
            encoder = language.encoder
            encoder._shared = self._noting(encoder._shared)

    def _noting(self, shared: Any) -> Any:
        def note(response: Response) -> Any:
            self.encoded.append((response.type_url, len(response.resources.resources)))
            return shared(response)

        return note

    def taken(self) -> list[tuple[str, int]]:
        """Return what was encoded since this was last asked."""
        taken, self.encoded = self.encoded, []
        return taken


@asynccontextmanager
async def clients(served: Served, kind: Kind, *wishes: str) -> AsyncIterator[list[Any]]:
    """Run clients that have taken everything of some types."""
    async with AsyncExitStack() as stack:
        found: list[Any] = []
        for _ in range(CLIENTS):
            client: Any = kind(await stack.enter_async_context(connection(served.address)))
            for url in wishes:
                await client.ask(url, *names(url))
                await accept(client, url)
            found.append(client)
        yield found


def names(type_url: str) -> list[str]:
    return [f"{number:03}" for number in range(FLEET)] if type_url == ENDPOINTS else []


async def accept(client: Any, type_url: str) -> int:
    """Take the next response, which is of that type, and return how much it holds."""
    answer = await client.got()
    assert answer.type_url == type_url
    again = names(type_url) if isinstance(client, Client) else []
    await client.ask(type_url, *again, nonce=answer.nonce)
    return len(answer.resources)


def is_quiet(served: Served) -> bool:
    """Tell whether every response was accepted."""
    states = [state for each in served.ads.status().streams for state in each.types.values()]
    return all(state.version_acked == state.version_sent for state in states)


@BOTH
async def test_what_many_clients_are_sent_alike_is_encoded_once(  # family 13
    kind: Kind, served: Served
) -> None:
    work = Work(served)
    served.publish(*fleet())
    async with clients(served, kind, CLUSTERS, ENDPOINTS) as all_of_them:
        assert work.taken() == [(CLUSTERS, FLEET), (ENDPOINTS, FLEET)]
        await until(lambda: is_quiet(served))

        served.publish(*fleet(changed="new"))
        for url in (CLUSTERS, ENDPOINTS):
            held = await asyncio.gather(*(accept(client, url) for client in all_of_them))
            # Of clusters, the state of the world is told in whole; of the others, what changed.
            whole = url == CLUSTERS and kind is Client
            assert set(held) == {FLEET if whole else 1}

        clusters = FLEET if kind is Client else 1
        assert work.taken() == [(CLUSTERS, clusters), (ENDPOINTS, 1)]


@BOTH
async def test_what_a_client_does_not_want_is_not_encoded(  # family 13
    kind: Kind, served: Served
) -> None:
    work = Work(served)
    served.publish(*fleet())
    async with clients(served, kind, CLUSTERS) as all_of_them:
        await until(lambda: is_quiet(served))
        work.taken()

        served.publish(*fleet(), Resource(ROUTES, "nobody's", b""))
        served.publish(*fleet(), Resource(ROUTES, "nobody's", b"new"))
        # By the answer to this, all streams have seen both.
        for client in all_of_them:
            await client.ask("example.org/Unknown", "x")
        served.publish(*fleet(changed="new"))
        for client in all_of_them:
            answer = await client.got()
            if answer.type_url != CLUSTERS:
                answer = await client.got()
            assert answer.type_url == CLUSTERS

        encoded = [each for each in work.taken() if each[0] != "example.org/Unknown"]
        assert encoded == [(CLUSTERS, FLEET if kind is Client else 1)]


@BOTH
async def test_the_same_content_published_again_is_not_encoded(  # G12, family 12
    kind: Kind, served: Served
) -> None:
    work = Work(served)
    served.publish(*fleet())
    async with clients(served, kind, CLUSTERS, ENDPOINTS) as all_of_them:
        await until(lambda: is_quiet(served))
        work.taken()

        served.publish(*fleet())
        last = served.publish(*fleet(), Resource(ROUTES, "r", b""))
        for client in all_of_them:
            await client.ask(ROUTES, "r")
            assert (await client.got()).type_url == ROUTES

    assert work.taken() == [(ROUTES, 1)]
    assert len(last.of_type(CLUSTERS)) == FLEET


async def test_who_is_late_is_sent_what_the_others_were_sent(served: Served) -> None:
    work = Work(served)
    served.publish(*fleet())
    async with clients(served, DeltaClient, CLUSTERS) as all_of_them:
        await until(lambda: is_quiet(served))
        work.taken()
        served.publish(*fleet(changed="one"))
        behind, *others = all_of_them
        for client in others:
            await accept(client, CLUSTERS)
        # It got this, too, and does not answer it yet.
        answer = await behind.got()
        served.publish(*fleet(changed="two"))
        for client in others:
            await accept(client, CLUSTERS)
        await behind.ack(answer)

        assert await accept(behind, CLUSTERS) == 1

    assert work.taken() == [(CLUSTERS, 1)] * 2


def test_streams_that_ask_for_the_same_names_share_them() -> None:
    message = wire.DiscoveryRequest(resource_names=["a", "b"], response_nonce="1")
    one = sotw_request(message.SerializeToString(), datetime.now(UTC))
    message.response_nonce = "2"

    assert sotw_request(message.SerializeToString(), datetime.now(UTC)).names is one.names
    assert one.names == {"a", "b"}
