"""Edits of every kind while requests and streams pass, and what became of all of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from e2e.world import Answer, Stream, World, endpoints, on_loopback, until, world
from xds.ports import HostPort

NAMES = ("one", "two", "three")
BODIES: tuple[dict[str, str], ...] = ({}, {"model": "always"}, {"model": "sometimes"})
# Every fifth edit is one of these.
BAD = ("", "vllm_endpoints: [", "vllm_endpoints:\n  - {name: a, address: 'http://a', port: 0}\n")
ALWAYS = "model/always"
REJECTED = r"(cluster_manager\.cds|listener_manager\.lds|http\..*\.rds\..*)\.update_rejected"


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests each second, how long streams last, how many edits in which time."""

    rate: float
    stream_seconds: float
    edits: int
    seconds: float


@dataclass(slots=True)
class Outcome:
    """What became of requests, streams and edits.

    `seconds` is how long the edits took, `rate` how many requests were answered in each of them;
    `delays` is how long each good edit took until it was in force.
    """

    requests: int = 0
    failed: list[Answer] = field(default_factory=list)
    streams: int = 0
    cut: list[str] = field(default_factory=list)
    most_streams: int = 0
    good: int = 0
    bad: int = 0
    rejected: int = 0
    seconds: float = 0
    rate: float = 0
    delays: list[float] = field(default_factory=list)


async def churn(folder: Path, pace: Pace) -> Outcome:
    """Edit at a pace, each time as soon as the last edit is in force; returns when all is done.

    Raises AssertionError if a good edit does not come into force, or a bad one is not told.
    """
    backends = on_loopback(*NAMES)
    outcome = Outcome()
    async with world(folder, config(backends, 0), backends=backends) as gateway:
        async with requests(gateway, pace, outcome), streams(gateway, pace, outcome):
            loop = asyncio.get_running_loop()
            began = loop.time()
            for turn in range(1, pace.edits + 1):
                # Edits come at their times, not as fast as they can.
                due = began + pace.seconds * turn / pace.edits
                await (edit_badly if turn % 5 == 0 else edit_well)(gateway, turn, outcome)
                await asyncio.sleep(max(0, due - loop.time()))
            outcome.seconds = loop.time() - began
            outcome.rate = outcome.requests / outcome.seconds
        lines = (await gateway.get(f"/stats?filter=^{REJECTED}$", gateway.admin)).splitlines()
        outcome.rejected = sum(int(line.rpartition(": ")[2]) for line in lines)
    return outcome


def weights(turn: int) -> dict[str, int]:
    """Return the weight of each backend that is there at a turn."""
    found = {"one": turn % 4 + 1, "two": turn % 7}
    return found | {"three": 1} if turn % 3 else found


def config(backends: dict[str, HostPort], turn: int) -> str:
    """Return a configuration that differs at each turn, and names the turn as a model."""
    there = {name: backends[name] for name in weights(turn)}
    sometimes = "  sometimes: {preferred_endpoints: [one, two]}\n" if turn % 2 else ""
    return (
        f"{endpoints(there, **weights(turn))}model_config:\n"
        f"  always: {{}}\n{sometimes}  turn-{turn}: {{preferred_endpoints: [one]}}\n"
        "default_model: always\n"
    )


async def edit_well(gateway: World, turn: int, outcome: Outcome) -> None:
    if turn % 7 == 0:
        settings = gateway.folder / "settings.yaml"
        first = settings.read_text().splitlines()[0]
        settings.write_text(f"{first}\nresilience: {{timeout: {{idle: {100 + turn}s}}}}\n")
    text = config(gateway.addresses, turn)
    if turn % 2:
        gateway.edit(text)
    else:
        gateway.config.write_text(text)
    began = asyncio.get_running_loop().time()

    expected = {gateway.addresses[name].port: weight for name, weight in weights(turn).items()}

    async def in_force() -> bool:
        return f"turn-{turn}" in await models(gateway) and await pool(gateway) == expected

    await until(in_force, f"edit {turn} is in force")
    outcome.delays.append(asyncio.get_running_loop().time() - began)
    outcome.good += 1


async def edit_badly(gateway: World, turn: int, outcome: Outcome) -> None:
    before = await models(gateway)
    gateway.edit(BAD[turn // 5 % len(BAD)])

    async def refused() -> bool:
        return (await gateway.status())["refused"] is not None

    await until(refused, f"edit {turn} is refused")
    assert await models(gateway) == before
    outcome.bad += 1


async def models(gateway: World) -> list[str]:
    """Return the models that Envoy says there are."""
    return [card["id"] for card in json.loads(await gateway.get("/v1/models"))["data"]]


async def pool(gateway: World) -> dict[int, int]:
    """Return the weights that Envoy has for the model that is always there, by port; 0 drains."""
    found = json.loads(await gateway.get("/clusters?format=json", gateway.admin))
    [hosts] = (
        each["host_statuses"] for each in found["cluster_statuses"] if each["name"] == ALWAYS
    )
    return {
        host["address"]["socket_address"]["port_value"]: (
            0 if host["health_status"]["eds_health_status"] == "DRAINING" else host["weight"]
        )
        for host in hosts
    }


@asynccontextmanager
async def requests(gateway: World, pace: Pace, outcome: Outcome) -> AsyncIterator[None]:
    """Send requests at a rate, whether or not the last ones are answered."""

    async def one(number: int) -> None:
        answer = await gateway.ask(BODIES[number % len(BODIES)])
        outcome.requests += 1
        if answer.failed:
            outcome.failed.append(answer)

    async with repeated(one, 1 / pace.rate):
        yield


@asynccontextmanager
async def streams(gateway: World, pace: Pace, outcome: Outcome) -> AsyncIterator[None]:
    """Begin streams one after the other, so that about twenty go on at each moment."""
    going: set[Stream] = set()

    async def one(number: int) -> None:
        stream = await gateway.stream(BODIES[number % len(BODIES)], pace.stream_seconds)
        going.add(stream)
        outcome.streams += 1
        outcome.most_streams = max(outcome.most_streams, len(going))
        if not await stream.whole():
            outcome.cut.append(stream.text)
        going.remove(stream)

    async with repeated(one, pace.stream_seconds / 20):
        yield


@asynccontextmanager
async def repeated(
    work: Callable[[int], Coroutine[None, None, None]], every: float
) -> AsyncIterator[None]:
    """Begin some work again and again for as long as the context lasts, and wait for all of it."""

    async def begin(group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in count():
            group.create_task(work(number))
            await asyncio.sleep(max(0, began + every * (number + 1) - loop.time()))

    async with asyncio.TaskGroup() as group:
        beginning = group.create_task(begin(group))
        try:
            yield
        finally:
            beginning.cancel()
