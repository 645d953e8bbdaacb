"""A chart of curves for the terminal, with numbers on both axes."""

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from charlm.cli.display.canvas import Range, Stroke, column_of, draw, row_of, with_axis
from charlm.cli.display.palette import BLUE, GREEN, GREY, MAGENTA, RED, VIOLET
from charlm.notation import visible

HEIGHT = 18
MARKS = "*o+x#@%&"
"""A mark for each curve, so that curves are told apart without colours, too."""

STYLES = ("bold", BLUE, MAGENTA, GREEN, RED, VIOLET, GREY)
_SHARE_CUT = 0.05
_TICKS_ACROSS, _TICKS_UP = 6, 8


@dataclass(frozen=True)
class Line:
    """A curve: its name, and its points in the order of x, which begins at 0."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def print_chart(console: Console, lines: Sequence[Line], *, x: str, y: str) -> None:
    """Prints curves over one another as wide as the console, at most 100 columns, and a list of them below.

    Args:
        x, y: what the axes show.
    """
    width = max(20, min(console.width, 100) - 10)
    seen = Range(*_widened(0.0, max(max(line.x) for line in lines)), *_widened(*visible_range(lines)))
    strokes = [Stroke(line.x, line.y, _style(number), _mark(number)) for number, line in enumerate(lines)]
    cells = draw(strokes, seen, width=width, height=HEIGHT)
    names = {row_of(tick, seen, rows=HEIGHT): f"{tick:g} " for tick in ticks(seen.low, seen.high, _TICKS_UP)}
    console.print(Text(y, style="dim"))
    for row in with_axis(cells, names, width=9, is_ascii=False):
        console.print(row, no_wrap=True)
    console.print(Text(f"{'':9}└{'─' * width}", style="dim"), no_wrap=True)
    are_whole = all(float(x).is_integer() for line in lines for x in line.x)
    names_below = _names_below(seen, width, are_whole=are_whole)
    console.print(Text(f"{'':10}{names_below}".rstrip(), style="dim"), no_wrap=True)
    console.print(Text(x.rjust(10 + width), style="dim"), no_wrap=True)
    for number, line in enumerate(lines):
        entry = Text(f"  {_mark(number)} ", style=_style(number))
        entry.append(f"{visible(line.name)}: {line.y[-1]:.3f}", style="default not bold")
        console.print(entry, soft_wrap=True)


def visible_range(lines: Sequence[Line]) -> tuple[float, float]:
    """Returns the lowest value, and the highest that a curve has after the first twentieth of the way.

    The first steps of a training fall so steeply that the rest would be flat beside them.
    """
    begin = _SHARE_CUT * max(max(line.x) for line in lines)
    shown: list[float] = []
    for line in lines:
        first = max(bisect(line.x, begin) - 1, 0)
        shown += line.y[first:]
    return min(shown), max(shown)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Returns the multiples of 1, 2 or 5 times a power of ten from `low` to `high`, at most `most` of them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if (high - low) / (factor * power) <= most - 1)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(index * step, digits) for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short(value: float) -> str:
    """Returns a number with a thousand as k and a million as M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _names_below(seen: Range, width: int, *, are_whole: bool) -> str:
    """Returns the line of ticks below a chart; between whole numbers, such as steps, are none."""
    text = [" "] * (width + 8)
    for tick in ticks(seen.left, seen.right, _TICKS_ACROSS):
        if are_whole and not tick.is_integer():
            continue
        name = short(tick)
        start = max(0, column_of(tick, seen, columns=width) - len(name) // 2)
        text[start : start + len(name)] = name
    return "".join(text)


def _widened(low: float, high: float) -> tuple[float, float]:
    """Returns a range that is never empty."""
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _mark(curve: int) -> str:
    return MARKS[curve % len(MARKS)]


def _style(curve: int) -> str:
    return STYLES[curve % len(STYLES)]
