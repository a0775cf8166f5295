"""Know where figures are kept, and how they grow."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

from machine import machine
from picture import Series, picture

RESULTS: Final = Path(__file__).parent / "results"


def save(name: str, **figures: object) -> None:
    """Save figures as JSON, and on what machine they were taken."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine()} | figures, indent=2)
    (RESULTS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def draw(name: str, lines: Sequence[Series], *, title: str, across: str, up: str) -> None:
    """Save a drawing of figures."""
    RESULTS.mkdir(exist_ok=True)
    drawn = picture(lines, title=title, across=across, up=up)
    (RESULTS / f"{name}.svg").write_text(drawn, encoding="utf-8")


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the power with which the second grows with the first: the slope of a fit."""
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points), strict=True)
    x_mean, y_mean = fmean(xs), fmean(ys)
    covariance: float = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    variance: float = sum((x - x_mean) ** 2 for x in xs)
    return covariance / variance
