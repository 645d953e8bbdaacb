"""Text with a number for each of its characters: in colours, or with a line of bars below each line."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TextIO

from rich.cells import cell_len

from charlm.cli.display.text import may_colour
from charlm.notation import visible

_LINE_END, _TAB = "⏎", "⇥"

_Cell = tuple[str, int, float]
"""What is shown for a character, its width in a terminal, and its number."""


@dataclass(frozen=True)
class Scale:
    """How numbers are shown.

    Attributes:
        borders: where the next level begins, ascending; there is one level more.
        colours: background and foreground of each level, by their numbers among a terminal's 256; None for neither.
        bar_borders: where the next bar begins, ascending.
        bars: one character more, from the lowest.
    """

    borders: tuple[float, ...]
    colours: tuple[tuple[int, int] | None, ...]
    bar_borders: tuple[float, ...]
    bars: str

    def level(self, number: float) -> int:
        """Returns the level of a number; the highest for NaN, which a broken model gives."""
        return bisect_right(self.borders, number)

    def bar(self, number: float) -> str:
        """Returns the bar of a number; the highest for NaN."""
        return self.bars[bisect_right(self.bar_borders, number)]

    def coloured(self, text: str, level: int) -> str:
        """Returns a text in the colours of a level, as a terminal understands them."""
        colours = self.colours[level]
        if colours is None or not text:
            return text
        background, foreground = colours
        return f"\x1b[48;5;{background};38;5;{foreground}m{text}\x1b[0m"


def write_shaded(
    stream: TextIO,
    pieces: Iterable[tuple[str, float]],
    scale: Scale,
    *,
    width: int,
    shows_line_ends: bool = False,
) -> None:
    """Writes pieces of a text, each with the number of each of its characters, in lines of at most `width` columns.

    A character without a width, such as an accent, has the colour of the one before, which is that of the larger number
    of the two.

    Args:
        shows_line_ends: whether every line end is shown, not only those whose number has a colour.
    """
    colours = may_colour(stream)
    for row in _rows(pieces, scale, width=width, shows_line_ends=shows_line_ends):
        if colours:
            levels = groupby(row, key=lambda cell: scale.level(cell[2]))
            line = "".join(scale.coloured("".join(shown for shown, _, _ in cells), level) for level, cells in levels)
            stream.write(f"{line}\n")
        else:
            bars = "".join(scale.bar(number) * cells for _, cells, number in row)
            stream.write(f"{''.join(shown for shown, _, _ in row)}\n{bars.rstrip()}\n")


def _rows(
    pieces: Iterable[tuple[str, float]], scale: Scale, *, width: int, shows_line_ends: bool
) -> Iterator[list[_Cell]]:
    """Yields the lines of the text, those that are too wide in several."""
    row: list[_Cell] = []
    column = 0
    known: dict[str, tuple[str, int]] = {}
    for text, number in pieces:
        for character in text:
            if character == "\n":
                if shows_line_ends or (scale.colours[scale.level(number)] is not None and column < width):
                    if column == width:
                        yield row
                        row = []
                    row.append((_LINE_END, 1, number))
                yield row
                row, column = [], 0
                continue
            if character not in known:
                shown = visible(character.replace("\t", _TAB))
                known[character] = (shown, cell_len(shown))
            shown, cells = known[character]
            if cells == 0 and row:
                before = row.pop()
                row.append((before[0] + shown, before[1], max(before[2], number, key=abs)))
                continue
            if column + cells > width:
                yield row
                row, column = [], 0
            row.append((shown, cells, number))
            column += cells
    if row:
        yield row
