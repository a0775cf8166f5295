"""From the bytes of a configuration to the first snapshot: CPU seconds of each step.

    python bench/cold_start.py

Medians of five runs in this process, for fleets of models with ten endpoints each.
"""

from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from xds.app import build_snapshot
from xds.config.document import Document
from xds.config.load import Source, load
from xds.translate import translate

RUNS = 5
ENDPOINTS = 10


def fleet(models: int) -> bytes:
    """Return a configuration with that many models of ten endpoints each."""
    endpoints, entries = [], []
    for model in range(models):
        names = [f"model-{model}-endpoint-{number}" for number in range(ENDPOINTS)]
        endpoints += [
            f'  - name: "{name}"\n    address: "10.{model // 256}.{model % 256}.{number}"\n'
            f"    port: 8000\n    weight: {number % 3 + 1}\n"
            for number, name in enumerate(names)
        ]
        entries.append(f'  "model-{model}":\n    preferred_endpoints: {names}\n')
    text = f"vllm_endpoints:\n{''.join(endpoints)}model_config:\n{''.join(entries)}"
    return text.replace("'", '"').encode()


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds that a step takes, and what it returns."""
    began = process_time()
    result = step()
    return process_time() - began, result


def steps(content: bytes) -> tuple[float, ...]:
    """Return the CPU seconds of YAML, validation, translation and encoding."""
    parsing, _ = timed(lambda: Document.parse("config.yaml", content))
    loading, gateway = timed(lambda: load(Source("config.yaml", content)))
    translating, translation = timed(lambda: translate(gateway))
    encoding, _ = timed(lambda: build_snapshot(translation))
    return parsing, loading - parsing, translating, encoding


def main() -> None:
    """Measure and print the table."""
    table = Table(title=f"Cold start, CPU seconds, medians of {RUNS}")
    for column in ("models x endpoints", "YAML", "validation", "translation", "encoding", "all"):
        table.add_column(column, justify="right")
    for models in (10, 100, 1000):
        content = fleet(models)
        runs = [steps(content) for _ in range(RUNS)]
        medians = [median(each) for each in zip(*runs, strict=True)]
        figures = (f"{seconds:.3f}" for seconds in (*medians, sum(medians)))
        table.add_row(f"{models} x {ENDPOINTS}", *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
