"""What a server costs that many Envoys follow: a storm of connects, and one edit for all of them.

    python bench/fan_out.py

A server, and the clients in another process, on this machine; every client sends Envoy's 61 KB
node. Each cluster has ten endpoints. The storm is from the first connect until the last client has
all clusters and load assignments; an edit, of one endpoint, from before the snapshot is built until
the last client has it. CPU is that of the server, until it is at rest again. Figures are medians
of five edits, and of five runs where that is said. What a message costs stands beside what it
costs grpc.aio itself, as `messages.py` measures it.
"""

from dataclasses import asdict
from itertools import product
from typing import Any

from rich.console import Console
from rich.table import Table

from machine import machine
from messages import SERVERS, per_message
from picture import Series
from results import draw, exponent, save
from scenario import Figures, Scenario, measure

RUNS = 5
# The first edit after a storm pays for the collector's look at all that the storm left.
EDITS = 3
# Streams and clusters that have figures of a Go server to stand beside.
COMPARED = ((1000, 100), (200, 1000))
STREAMS = (1, 100, 1000)
CLUSTERS = (100, 1000, 10_000)
VARIANTS = ("sotw", "delta")


def table(title: str, rows: dict[Scenario, Figures]) -> Table:
    """Return figures as they are printed."""
    shown = Table("streams x clusters", title=title)
    for column in (
        *("storm, s", "its CPU, s", "clients' CPU, s"),
        *("edit, ms", "its CPU, ms", "CPU per stream, µs", "clients' share"),
        *("idle, MB", "peak, MB", "KB per idle stream"),
    ):
        shown.add_column(column, justify="right")
    for scenario, each in rows.items():
        shown.add_row(
            str(scenario),
            *(f"{each.storm:.2f}", f"{each.storm_cpu:.2f}", f"{each.storm_client_cpu:.2f}"),
            *(f"{1e3 * each.edit:.1f}", f"{1e3 * each.edit_cpu:.1f}"),
            *(f"{1e6 * each.edit_cpu / scenario.streams:.0f}", f"{each.edit_client_share:.0%}"),
            *(f"{each.memory / 1e6:.0f}", f"{each.peak / 1e6:.0f}"),
            f"{each.per_stream / 1e3:.0f}",
        )
    return shown


def growth(grid: dict[Scenario, Figures]) -> Table:
    """Return how the CPU of an edit grows, alone with the streams and alone with the clusters."""
    shown = Table("CPU of an edit grows with", "variant", "exponent", title="Growth")
    few, middle = min(CLUSTERS), sorted(STREAMS)[1]
    for variant in VARIANTS:
        of = {each: figures for each, figures in grid.items() if each.variant == variant}
        streams = [(s.streams, f.edit_cpu) for s, f in of.items() if s.clusters == few]
        clusters = [(s.clusters, f.edit_cpu) for s, f in of.items() if s.streams == middle]
        shown.add_row(f"streams, at {few} clusters", variant, f"{exponent(streams):.2f}")
        shown.add_row(f"clusters, at {middle} streams", variant, f"{exponent(clusters):.2f}")
    return shown


def lines(grid: dict[Scenario, Figures]) -> list[Series]:
    """Return the lines of the picture: an edit by streams, for each size and variant."""
    found: dict[str, list[tuple[float, float]]] = {}
    for scenario, figures in grid.items():
        name = f"{scenario.clusters} clusters, {scenario.variant}"
        found.setdefault(name, []).append((scenario.streams, 1e3 * figures.edit))
    return [Series(name, tuple(points)) for name, points in found.items()]


def message_table(found: dict[str, dict[str, float]]) -> Table:
    """Return what messages cost as it is printed."""
    shown = Table(
        *("streams x clusters", *SERVERS, "ours / echo"),
        title="CPU per message and its answer, µs",
    )
    for scenario, each in found.items():
        figures = (f"{1e6 * each[name]:.0f}" for name in SERVERS)
        shown.add_row(scenario, *figures, f"{each['ours'] / each['echo']:.2f}")
    return shown


def plain(found: dict[Scenario, Figures]) -> list[dict[str, Any]]:
    """Return figures as plain values."""
    return [asdict(scenario) | asdict(figures) for scenario, figures in found.items()]


def main() -> None:
    """Measure, print the tables, save the figures and the picture."""
    show = Console(width=160).print
    compared = {
        scenario: measure(scenario, runs=RUNS, edits=EDITS)
        for streams, clusters in COMPARED
        for scenario in (
            *(Scenario(streams, clusters, variant) for variant in VARIANTS),
            Scenario(streams, clusters, "sotw", node_always=True),
        )
    }
    two = Scenario(*COMPARED[0], "sotw", processes=2)
    compared[two] = measure(two, runs=RUNS, edits=EDITS)
    show(table(f"Medians of {RUNS} runs\n{machine()}", compared))
    once = {s: f for s, f in compared.items() if not s.node_always and s.processes == 1}
    messages = {str(scenario): per_message(scenario, like) for scenario, like in once.items()}
    show(message_table(messages))
    grid = {
        each: measure(each, runs=1, edits=RUNS)
        for each in (Scenario(*axes) for axes in product(STREAMS, CLUSTERS, VARIANTS))
    }
    show(table("One run each, of five edits", grid))
    show(growth(grid))
    save("fan_out", compared=plain(compared), messages=messages, grid=plain(grid))
    draw(
        "fan_out",
        lines(grid),
        title="One endpoint edited: until the last stream has it",
        across="streams",
        up="milliseconds",
    )


if __name__ == "__main__":
    main()
