"""The curve of a training as a few rows of characters."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from rich.text import Text

from charlm.cli.display.formatting import bits
from charlm.runs.reporting import LossPoint

_LABEL = 5
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EARLY = 0.1
"""Share of the points, the first ones, whose high losses would press the rest into one row."""
_SMALLEST_SPAN = 0.01

TRAINING, NETWORK, VALIDATION = "cyan", "yellow", "bold green"


class _Symbols(NamedTuple):
    training: str
    network: str
    validation: str
    axis: str
    tick: str


_UNICODE = _Symbols("⠒", "○", "●", "│", "┤")
_ASCII = _Symbols(".", "o", "*", "|", "+")


def legend(*, is_mixed: bool, is_ascii: bool) -> Text:
    """Returns what is drawn, for a title."""
    symbols = _ASCII if is_ascii else _UNICODE
    entries = [(symbols.training, TRAINING, "network, training" if is_mixed else "training")]
    if is_mixed:
        entries.append((symbols.network, NETWORK, "network, validation"))
    entries.append((symbols.validation, VALIDATION, "mixture" if is_mixed else "validation"))
    text = Text()
    for symbol, style, meaning in entries:
        text.append("  " if text else "").append(symbol, style=style).append(f" {meaning}")
    return text


def draw_curve(points: Sequence[LossPoint], *, width: int, height: int, is_ascii: bool, unit: str = "char") -> Text:
    """Returns the losses in bits per character, or another unit, over the share of the training.

    Training losses are a line, without its first, high part; validation losses are marks.

    Args:
        points: by step.
        height: rows, without that of the horizontal axis.
        is_ascii: whether the terminal has only ASCII characters.
    """
    symbols = _ASCII if is_ascii else _UNICODE
    known = [(point.share, bits(point.training)) for point in points if point.training is not None]
    scores = [
        (point.share, bits(nats), symbol, style)
        for symbol, style in ((symbols.network, NETWORK), (symbols.validation, VALIDATION))
        for point in points
        if (nats := point.network if style == NETWORK else point.validation) is not None
    ]
    marked = [loss for _, loss, _, _ in scores]
    low = min([*marked, *(loss for _, loss in known)], default=0.0)
    high = max([*marked, *(loss for _, loss in known[int(_EARLY * len(known)) :])], default=1.0)
    high = max(high, low + _SMALLEST_SPAN)
    columns = width - _LABEL - 1
    across, down = (1, 1) if is_ascii else (2, 4)
    codes = np.zeros((height, columns), dtype=int)
    for row, column in _line(known, low=low, high=high, rows=height * down, columns=columns * across):
        codes[row // down, column // across] |= _BRAILLE[row % down][column % across]
    cells = [[(" ", "")] * columns for _ in range(height)]
    for row, column in zip(*np.nonzero(codes), strict=True):
        cells[row][column] = (symbols.training if is_ascii else chr(0x2800 + codes[row, column]), TRAINING)
    for share, loss, symbol, style in scores:
        row = _row(loss, low=low, high=high, rows=height * down) // down
        cells[row][max(0, min(columns - 1, round(share * columns) - 1))] = (symbol, style)
    labels = {0: high, height - 1: low}
    text = Text(no_wrap=True, overflow="crop")
    for row, line_of_cells in enumerate(cells):
        text.append(f"{labels[row]:{_LABEL}.2f}" if row in labels else " " * _LABEL, style="dim")
        text.append(symbols.tick if row in labels else symbols.axis, style="dim")
        for style, same in groupby(line_of_cells, key=itemgetter(1)):
            text.append("".join(symbol for symbol, _ in same), style=style)
        text.append("\n")
    ends, middle = len("0 %100 %"), f"bits/{unit} over the share of the training"
    return text.append(f"{'':{_LABEL + 1}}0 %{middle:^{columns - ends}}100 %", style="dim")


def _line(
    points: Sequence[tuple[float, float]], *, low: float, high: float, rows: int, columns: int
) -> Iterator[tuple[int, int]]:
    """Yields the row and column of each dot of the line through points (share, loss), below `high`."""
    if not points:
        return
    shares, losses = zip(*points, strict=True)
    places = np.arange(1, columns + 1) / columns
    line = np.interp(places, shares, losses, left=np.nan, right=np.nan)
    before: int | None = None
    for column in np.flatnonzero(line <= high).tolist():
        row = _row(line[column], low=low, high=high, rows=rows)
        before = row if before is None else before
        # A steep line is one without gaps.
        yield from ((each, column) for each in range(min(row, before + 1), max(row + 1, before)))
        before = row


def _row(loss: float, *, low: float, high: float, rows: int) -> int:
    return round((high - loss) / (high - low) * (rows - 1))
