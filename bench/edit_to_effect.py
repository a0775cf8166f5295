"""From the rename of the file to the first answer of a new endpoint, in milliseconds.

    PYTHONPATH=tests python bench/edit_to_effect.py

A configuration of 100 endpoints, in which one model moves from one server to another and back, 50
times. A client asks for that model all the time. Everything is real, on this machine; the quiet
time of the watcher, 100 ms, is in the figures.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from e2e.world import World, on_loopback, world
from machine import machine
from results import save
from xds.ports import HostPort

EDITS = 50
ENDPOINTS = 100
NAMES = ("one", "two")


def config(backends: dict[str, HostPort], name: str) -> str:
    """Return a configuration in which a server of that name serves the model `moves`."""
    servers = [
        f"  - {{name: {each}, address: {where.host}, port: {where.port}}}\n"
        for each, where in backends.items()
    ]
    servers += [
        f"  - {{name: other-{number}, address: 10.0.0.{number}, port: 8000}}\n"
        for number in range(ENDPOINTS - len(backends))
    ]
    models = [
        f"  model-{number}: {{preferred_endpoints: [other-{number}, other-{number + 1}]}}\n"
        for number in range(0, ENDPOINTS - len(backends), 2)
    ]
    return (
        f"vllm_endpoints:\n{''.join(servers)}model_config:\n{''.join(models)}"
        f"  moves: {{preferred_endpoints: [{name}]}}\n"
    )


async def effect(gateway: World, name: str) -> float:
    """Move the model to a server and return how long, in seconds, until it answers."""
    text = config(gateway.addresses, name)
    loop = asyncio.get_running_loop()
    began = loop.time()
    gateway.edit(text)
    while True:
        answer = await gateway.ask({"model": "moves"})
        if answer.failed:
            raise RuntimeError(answer)
        if answer.served_by == name:
            return loop.time() - began
        # Asking takes its share of the machine; this is as fine as the figures need.
        await asyncio.sleep(0.005)


async def measure(folder: Path) -> list[float]:
    """Return how long each edit takes, in seconds."""
    backends = on_loopback(*NAMES)
    async with world(folder, config(backends, NAMES[0]), backends=backends) as gateway:
        await gateway.ask({"model": "moves"})
        return [await effect(gateway, NAMES[(turn + 1) % 2]) for turn in range(EDITS)]


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(measure(Path(folder)))
    table = Table(
        "median", "p99", "longest", title=f"Edit to effect, ms, {EDITS} edits\n{machine()}"
    )
    figures = (median(seconds), quantiles(seconds, n=100, method="inclusive")[-1], max(seconds))
    table.add_row(*(f"{1000 * figure:.0f}" for figure in figures))
    Console().print(table)
    save("edit_to_effect", seconds=seconds)


if __name__ == "__main__":
    main()
