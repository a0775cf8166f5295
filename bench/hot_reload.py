"""Edits of every kind under load: what fails, what is cut, and how soon each edit is in force.

    PYTHONPATH=tests python bench/hot_reload.py

500 requests each second and about twenty streams of 30 s at a time, 200 edits in 60 s: weights,
endpoints, models, listeners' timeouts, every fifth one bad. Everything is real: servers, control
plane and Envoy, on this machine.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from e2e.churn import Outcome, Pace, churn
from e2e.world import endpoints, on_loopback, until, world
from machine import machine
from results import save

PACE = Pace(rate=500, stream_seconds=30, edits=200, seconds=60)


def table(outcome: Outcome) -> Table:
    """Return the figures of a run."""
    shown = Table("what", "figure", title=f"Hot reload under load\n{machine()}")
    delays = sorted(outcome.delays)
    for what, figure in (
        ("requests", f"{outcome.requests}"),
        ("requests per second", f"{outcome.rate:.0f}"),
        ("requests failed", f"{len(outcome.failed)}"),
        ("streams", f"{outcome.streams}"),
        ("streams at a time, most", f"{outcome.most_streams}"),
        ("streams cut", f"{len(outcome.cut)}"),
        ("seconds of edits", f"{outcome.seconds:.0f}"),
        ("good edits in force", f"{outcome.good}"),
        ("bad edits refused", f"{outcome.bad}"),
        ("edits that Envoy refused", f"{outcome.rejected}"),
        ("edit to Envoy's new answer, median, ms", f"{1000 * median(delays):.0f}"),
        ("edit to Envoy's new answer, longest, ms", f"{1000 * delays[-1]:.0f}"),
    ):
        shown.add_row(what, figure)
    return shown


async def minute(folder: Path) -> bool:
    """Tell whether a stream of a minute outlives its endpoint, and the change of all else."""
    backends = on_loopback("leaves", "stays")
    stays = {"stays": backends["stays"]}
    async with world(folder, endpoints(backends, stays=0), backends=backends) as gateway:
        stream = await gateway.stream({}, 60)
        gateway.edit(endpoints(stays) + "model_config:\n  new: {}\n")
        await until(lambda: gateway.served_by("stays"), "its endpoint is gone")
        settings = gateway.settings.read_text()
        gateway.settings.write_text(f"{settings}resilience: {{timeout: {{idle: 99s}}}}\n")
        return await stream.whole()


async def main() -> None:
    """Run and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = await churn(Path(folder), PACE)
    shown = table(outcome)
    with tempfile.TemporaryDirectory() as folder:
        is_whole = await minute(Path(folder))
    shown.add_row("a stream of a minute whose endpoint left", "whole" if is_whole else "cut")
    Console().print(shown)
    save(
        "hot_reload",
        requests=outcome.requests,
        failed=len(outcome.failed),
        streams=outcome.streams,
        cut=len(outcome.cut) + (not is_whole),
        delays=outcome.delays,
    )
    for answer in outcome.failed[:5]:
        print(answer)


if __name__ == "__main__":
    asyncio.run(main())
