"""Know how to draw lines on two logarithmic scales, as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN, LEGEND = 760, 420, 60, 190
COLORS = ("#1b6ca8", "#d1495b", "#2a9d5c", "#e09f3e", "#6c4ab6", "#4a4a4a")


@dataclass(frozen=True)
class Series:
    """A line with a name."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scale:
    """Where the powers of ten from one to another lie between two pixels."""

    low: int
    high: int
    first: float
    last: float

    @classmethod
    def around(cls, values: list[float], first: float, last: float) -> "Scale":
        """Return a scale that holds some values."""
        low = math.floor(math.log10(min(values)))
        return cls(low, max(math.ceil(math.log10(max(values))), low + 1), first, last)

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Return the powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def picture(lines: Sequence[Series], *, title: str, across: str, up: str) -> str:
    """Return a drawing of lines, with a title and what the scales are."""
    points = [point for line in lines for point in line.points]
    x = Scale.around([each for each, _ in points], MARGIN, WIDTH - LEGEND)
    y = Scale.around([each for _, each in points], HEIGHT - MARGIN, MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<style>text {font: 12px sans-serif}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text(WIDTH / 2, 24, title, "middle"),
        _text((x.first + x.last) / 2, HEIGHT - 16, across, "middle"),
        _text(MARGIN, MARGIN - 14, up, "middle"),
        *(_line([(x.at(at), y.first), (x.at(at), y.last)], "#ddd") for at in x.ticks()),
        *(_line([(x.first, y.at(at)), (x.last, y.at(at))], "#ddd") for at in y.ticks()),
        *(_text(x.at(at), y.first + 18, f"{at:g}", "middle") for at in x.ticks()),
        *(_text(x.first - 8, y.at(at) + 4, f"{at:g}", "end") for at in y.ticks()),
    ]
    for place, line in enumerate(lines):
        color = COLORS[place % len(COLORS)]
        parts.append(_line([(x.at(across), y.at(up)) for across, up in line.points], color, 2))
        height = MARGIN + 20 * place
        left = WIDTH - LEGEND + 12
        parts.append(_line([(left, height), (left + 18, height)], color, 2))
        parts.append(_text(left + 24, height + 4, line.name, "start"))
    return "\n".join([*parts, "</svg>\n"])


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _line(points: list[tuple[float, float]], color: str, width: int = 1) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>'
