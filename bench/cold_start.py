"""From the bytes of a configuration to its snapshot: CPU seconds of each step.

    python bench/cold_start.py

Medians of five runs, each in a process of its own, for fleets of models with ten endpoints each.
A cold start begins with the process; the edit changes the weight of one endpoint afterwards, and
is the median of five in each process. Without a default model, every endpoint is also in the pool
that takes the requests for no model, so that an edit of one concerns a pool of all.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from statistics import median
from time import process_time
from typing import Any, TypeVar
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from machine import machine
from picture import Series
from results import draw, exponent, save
from xds.build import Build, check, encoded
from xds.cli.life import settle, tune_interpreter
from xds.config.document import Document
from xds.config.load import Loaded, Source, load, parse
from xds.config.sharing import Shared
from xds.snapshot import Snapshot
from xds.translate import translate

RUNS = 5
ENDPOINTS = 10
SIZES = (10, 100, 1000, 10_000)
COLD, EDIT = "cold start", "one endpoint edited"
STEPS = ("start", "YAML", "validation", "translation", "encoding", "snapshot", "check")
T = TypeVar("T")


@dataclass(frozen=True)
class Fleet:
    """Models of ten endpoints each, one of which takes the requests for no model, or none."""

    models: int
    has_default: bool

    def content(self, weight: int = 1) -> bytes:
        """Return its configuration, with some weight at the very first endpoint."""
        endpoints, entries = [], []
        for model in range(self.models):
            names = [f"model-{model}-endpoint-{number}" for number in range(ENDPOINTS)]
            endpoints += [
                f'  - name: "{name}"\n    address: "10.{model // 256}.{model % 256}.{number}"\n'
                f"    port: 8000\n    weight: {number % 3 + 1 if model or number else weight}\n"
                for number, name in enumerate(names)
            ]
            entries.append(f'  "model-{model}":\n    preferred_endpoints: {names}\n')
        text = f"vllm_endpoints:\n{''.join(endpoints)}model_config:\n{''.join(entries)}"
        default = 'default_model: "model-0"\n' if self.has_default else ""
        return (text.replace("'", '"') + default).encode()


def timed(step: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds that a step takes, and what it returns."""
    began = process_time()
    result = step()
    return process_time() - began, result


def steps(
    content: bytes, last: tuple[Loaded, Build] | None
) -> tuple[list[float], tuple[Loaded, Build]]:
    """Return the CPU seconds from YAML to snapshot, and what was read and built."""
    source = Source("config.yaml", content)
    read, built = last or (None, None)
    before = built.snapshot if built else None
    parsing: list[float] = []

    def parsed(config: Source, last: Shared | None) -> Document:
        seconds, document = timed(lambda: parse(config, last))
        parsing.append(seconds)
        return document

    with patch("xds.config.load.parse", parsed):
        loading, loaded = timed(lambda: load(source, last=read))
    yaml = sum(parsing)
    translating, translation = timed(
        lambda: translate(loaded.gateway, built.translation if built else None)
    )
    encoding, resources = timed(lambda: encoded(translation, built))
    building, snapshot = timed(lambda: Snapshot.build(resources.values(), before))
    checking, _ = timed(lambda: check(snapshot, before))
    figures = [yaml, loading - yaml, translating, encoding, building, checking]
    return figures, (loaded, Build(translation, resources, snapshot))


def measure(fleet: Fleet) -> dict[str, list[float]]:
    """Return the figures of a cold start, which this process is, and of an edit after it.

    The interpreter is tuned as `xds serve` has it.
    """
    tune_interpreter()
    started = process_time()
    cold, last = steps(fleet.content(), None)
    settle()
    edits = []
    for run in range(RUNS):
        figures, last = steps(fleet.content(weight=run + 2), last)
        edits.append([0.0, *figures])
    return {COLD: [started, *cold], EDIT: _medians(edits)}


def _medians(runs: list[list[float]]) -> list[float]:
    return [median(each) for each in zip(*runs, strict=True)]


def measured(fleet: Fleet) -> dict[str, list[float]]:
    """Return the medians over processes of their own."""
    command = [sys.executable, __file__, "--measure", str(fleet.models)]
    if fleet.has_default:
        command.append("--default")
    runs: list[dict[str, list[float]]] = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        for _ in range(RUNS)
    ]
    return {event: _medians([run[event] for run in runs]) for event in runs[0]}


def table(rows: list[dict[str, Any]]) -> Table:
    """Return the figures as they are printed."""
    shown = Table(title=f"CPU seconds, medians of {RUNS}\n{machine()}")
    shown.add_column("models x endpoints")
    for column in ("default model", "", *STEPS, "all"):
        shown.add_column(column, justify="right")
    for row in rows:
        seconds = [row[step] for step in STEPS]
        shown.add_row(
            f"{row['models']} x {ENDPOINTS}",
            "yes" if row["default model"] else "no",
            row["event"],
            *(f"{each:.4f}" for each in (*seconds, sum(seconds))),
        )
    return shown


def lines(rows: list[dict[str, Any]]) -> Iterator[Series]:
    """Return how the CPU seconds grow with the models: all, and what follows the YAML."""
    for event, has_default in product((COLD, EDIT), (True, False)):
        its = [row for row in rows if (row["event"], row["default model"]) == (event, has_default)]
        name = event if has_default else f"{event}, no default"
        yield Series(name, tuple((row["models"], sum(row[step] for step in STEPS)) for row in its))
        if event == EDIT:
            rest = tuple(
                (row["models"], sum(row[step] for step in STEPS[STEPS.index("YAML") + 1 :]))
                for row in its
            )
            yield Series(f"{name}: after the YAML", rest)


def growth(grown: list[Series]) -> Table:
    """Return the exponents as they are printed."""
    shown = Table("CPU seconds of", "grow with the models to the power of")
    for line in grown:
        shown.add_row(line.name, f"{exponent(line.points):.2f}")
    return shown


def main() -> None:
    """Measure, print the tables, and save the figures and the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", type=int, metavar="MODELS", help="print one run as JSON")
    parser.add_argument("--default", action="store_true", help="with a default model")
    given = parser.parse_args()
    if given.measure:
        sys.stdout.write(json.dumps(measure(Fleet(given.measure, given.default))))
        return
    rows = [
        {"models": size, "default model": has_default, "event": event}
        | dict(zip(STEPS, figures, strict=True))
        for size, has_default in product(SIZES, (True, False))
        for event, figures in measured(Fleet(size, has_default)).items()
    ]
    Console(width=160).print(table(rows))
    grown = list(lines(rows))
    Console().print(growth(grown))
    save("cold_start", rows=rows)
    draw("cold_start", grown, title="From a file to its snapshot", across="models", up="CPU s")


if __name__ == "__main__":
    main()
