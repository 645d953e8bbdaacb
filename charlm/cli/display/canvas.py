"""Curves as characters of a terminal: points and lines, by symbols or by fine dots, and a vertical axis."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from rich.text import Text

_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dots of a character, four rows of two."""

Cell = tuple[str, str]
"""A character and its style."""


class Range(NamedTuple):
    """What is seen: x from `left` to `right`, y from `low` to `high`; neither is empty."""

    left: float
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Stroke:
    """A curve, and how it is drawn.

    Attributes:
        x, y: its points in the order of x; those out of range are not drawn.
        symbol: what it is made of; None for dots, eight of them in a character.
        is_joined: whether its points are joined by lines.
    """

    x: Sequence[float]
    y: Sequence[float]
    style: str
    symbol: str | None
    is_joined: bool = True


def draw(strokes: Sequence[Stroke], seen: Range, *, width: int, height: int) -> list[list[Cell]]:
    """Returns rows of characters, `[height][width]`; later strokes cover earlier ones."""
    cells: list[list[Cell]] = [[(" ", "")] * width for _ in range(height)]
    for stroke in strokes:
        across, down = (1, 1) if stroke.symbol is not None else (2, 4)
        codes = np.zeros((height, width), dtype=int)
        for row, column in _dots(stroke, seen, rows=height * down, columns=width * across):
            codes[row // down, column // across] |= _BRAILLE[row % down][column % across]
        for row, column in zip(*np.nonzero(codes), strict=True):
            symbol = chr(0x2800 + codes[row, column]) if stroke.symbol is None else stroke.symbol
            cells[row][column] = (symbol, stroke.style)
    return cells


def row_of(value: float, seen: Range, *, rows: int) -> int:
    """Returns the row in which a value is drawn, 0 for the highest."""
    return round((seen.high - value) / (seen.high - seen.low) * (rows - 1))


def column_of(value: float, seen: Range, *, columns: int) -> int:
    """Returns the column in which a value is drawn."""
    return round((value - seen.left) / (seen.right - seen.left) * (columns - 1))


def with_axis(cells: list[list[Cell]], labels: Mapping[int, str], *, width: int, is_ascii: bool) -> Iterator[Text]:
    """Yields the rows with an axis on their left, and the labels of some of them, right-aligned in `width` columns."""
    for row, line in enumerate(cells):
        marks = ("+", "|") if is_ascii else ("┤", "│")
        text = Text(no_wrap=True, overflow="crop")
        text.append(f"{labels.get(row, ''):>{width}}{marks[row not in labels]}", style="dim")
        for style, same in groupby(line, key=itemgetter(1)):
            text.append("".join(symbol for symbol, _ in same), style=style)
        text.rstrip()
        yield text


def _dots(stroke: Stroke, seen: Range, *, rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yields the row and the column of each dot of a stroke."""
    for x, y in zip(stroke.x, stroke.y, strict=True):
        if seen.low <= y <= seen.high:
            yield row_of(y, seen, rows=rows), column_of(x, seen, columns=columns)
    if not stroke.is_joined or not len(stroke.x):
        return
    places = np.linspace(seen.left, seen.right, columns)
    line = np.interp(places, stroke.x, stroke.y, left=math.nan, right=math.nan)
    before, last = 0, -2
    for column in np.flatnonzero((line >= seen.low) & (line <= seen.high)).tolist():
        row = row_of(line[column], seen, rows=rows)
        before = before if column == last + 1 else row
        # A steep line is one without gaps.
        yield from ((each, column) for each in range(min(row, before + 1), max(row + 1, before)))
        before, last = row, column
