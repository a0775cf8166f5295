"""How long a reload holds the event loop, which serves meanwhile, and what it costs.

    python bench/reload.py

A whole control plane in this process follows a file of models with ten endpoints each, of which
one endpoint is edited time after time. Beside it, on the same event loop, runs a clock that looks
at the time every millisecond: what it is late is how long somebody else had to wait.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import structlog
from rich.console import Console
from rich.table import Table

from cold_start import Fleet
from machine import machine
from results import save
from xds.app import Options, control_plane
from xds.cli.life import settle, tune_interpreter
from xds.files import Files

SIZES = (10, 100, 1000)
EDITS = 20
TICK = 0.001


class Clock:
    """Looks at the time every millisecond; `late` is how much the latest look was, at most."""

    def __init__(self) -> None:
        self.late = 0.0

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            before = perf_counter()
            await asyncio.sleep(TICK)
            self.late = max(self.late, perf_counter() - before - TICK)


async def reloads(folder: Path, fleet: Fleet) -> tuple[list[float], list[float]]:
    """Return, for each edit, the longest hold of the event loop and the CPU, in seconds."""
    config = folder / "config.yaml"
    config.write_bytes(fleet.content())
    contents = [fleet.content(weight=turn % 5 + 2) for turn in range(EDITS)]
    held, used = [], []
    async with control_plane(Files(config), "127.0.0.1:0", Options(poll=True)) as running:
        settle()
        clock = Clock()
        ticking = asyncio.create_task(clock.run())
        for content in contents:
            config.write_bytes(content)
            # The clock is late for that, too.
            await asyncio.sleep(5 * TICK)
            clock.late, began = 0.0, process_time()
            await running.reload()
            await asyncio.sleep(2 * TICK)
            held.append(clock.late)
            used.append(process_time() - began)
        ticking.cancel()
    return held, used


def main() -> None:
    """Measure and print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    tune_interpreter()
    table = Table(
        *("models x endpoints", "held, ms: median", "longest", "CPU of a reload, ms"),
        title=f"{EDITS} reloads\n{machine()}",
    )
    rows = []
    for models in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            held, used = asyncio.run(reloads(Path(folder), Fleet(models, has_default=True)))
        figures = (median(held), max(held), median(used))
        rows.append({"models": models, "held": held, "cpu": used})
        table.add_row(f"{models} x 10", *(f"{1000 * each:.1f}" for each in figures))
    Console().print(table)
    save("reload", rows=rows)


if __name__ == "__main__":
    main()
