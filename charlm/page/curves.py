"""Losses over a training as SVG: lines told apart by dashes as well as by colours, which the page's style gives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 14, 34
_MOST_LINES = 4
_SKIPPED = 0.05
"""The part of a training whose losses do not count for the height."""


_MOST_STEPS, _MOST_BITS = 1e15, 1e6
"""Larger figures are damage, and would leave no room for the others."""


@dataclass(frozen=True)
class Line:
    """One loss: its name, and its points as (steps, bits per character)."""

    name: str
    points: Sequence[tuple[float, float]]


def draw_curves(lines: Sequence[Line]) -> str:
    """Returns a drawing of up to four losses with its legend, as HTML; nothing without lines."""
    lines = [line for line in map(_without_damage, lines) if line.points][:_MOST_LINES]
    if not lines:
        return ""
    xs, ys = zip(*(point for line in lines for point in line.points), strict=True)
    right = max(xs)
    # The fall of the first steps would leave no room for the rest, and is cut off.
    highest = max((y for x, y in zip(xs, ys, strict=True) if x >= _SKIPPED * right), default=max(ys))
    x_ticks, y_ticks = _ticks(0.0, right, most=5), _ticks(min(ys), highest, most=5)
    low, high = y_ticks[0], max(highest, y_ticks[-1])

    def place(x: float, y: float) -> tuple[float, float]:
        inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return _LEFT + x / max(right, 1) * inner_width, _TOP + (high - y) / (high - low or 1) * inner_height

    parts = []
    for tick in y_ticks:
        _, y = place(0, tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        x, _ = place(tick, low)
        anchor = "start" if tick == 0 else "end" if x > _WIDTH - 40 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{tick:,.0f}</text>')
    # A drawing within the drawing cuts off what is above it.
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 {_TOP - 4} {_WIDTH} {_HEIGHT}"'
    parts.append(f'<svg aria-hidden="true" y="{_TOP - 4}" {size}>')
    for number, line in enumerate(lines, start=1):
        points = [place(x, y) for x, y in line.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path class="c{number}" d="M{path}"/>')
        parts += [f'<circle class="c{number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points[-1:]]
    parts.append("</svg>")
    ends = "; ".join(f"{line.name} from {line.points[0][1]:.2f} to {line.points[-1][1]:.2f}" for line in lines)
    legend = "".join(
        f'<li><svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true"><path class="c{number}" d="M0 4H28"/>'
        f"</svg>{escape(line.name)}</li>"
        for number, line in enumerate(lines, start=1)
    )
    label = escape(f"Bits per character over the steps of the training: {ends}.")
    return (
        f'<figure><ul class="legend">{legend}</ul><svg class="curves" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg><figcaption>Bits per character over the steps of the training'
        "</figcaption></figure>"
    )


def _without_damage(line: Line) -> Line:
    points = [(x, y) for x, y in line.points if 0 <= x < _MOST_STEPS and abs(y) < _MOST_BITS]
    return Line(line.name, points)


def _ticks(low: float, high: float, *, most: int) -> list[float]:
    """Returns round numbers from below `low` to at most one step above it less than `high`, not many."""
    span = max(high - low, 1e-3)
    magnitude = 10.0 ** math.floor(math.log10(span / most))
    step = next(magnitude * factor for factor in (1, 2, 5, 10, 20) if span / (magnitude * factor) <= most)
    first = math.floor(low / step)
    count = math.floor((high - first * step) / step + 1e-9) + 1
    return [round((first + index) * step, 10) for index in range(count)]
