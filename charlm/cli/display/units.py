"""The results of `charlm inspect units`: a table of units, and text coloured by what a unit's value is."""

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from charlm.cli.display.formatting import number
from charlm.cli.display.tables import plain_table
from charlm.cli.display.text import TextWriter, may_colour, visible

if TYPE_CHECKING:
    from charlm.evaluation.unit_excerpts import Excerpt
    from charlm.runs.inspect.units import HeldSample, UnitsReport

_BLOCKS = "▁▂▃▄▅▆▇█"
_POSITIVE, _NEGATIVE = (214, 94, 0), (0, 96, 178)
_WEAK = 0.1
_VALUES = {"c": "c, a unit's memory; colours show tanh(c)", "h": "h, a unit's output"}

_Cell = tuple[str, float]
"""What is shown of one symbol, and the unit's value there, from -1 to 1."""


def print_units(console: Console, report: "UnitsReport") -> None:
    """Prints the effects as a table, and the excerpts with the units' values."""
    console.print(f"Read {report.symbols:,} symbols of {visible(report.text)}. Values are {_VALUES[report.value]}.\n")
    headings = ("property", "unit", "effect", "mean if so", "otherwise")
    rows = [
        (
            each.property,
            each.unit,
            f"{each.measure} = {each.effect:+.2f}",
            "" if each.mean_if_so is None else number(each.mean_if_so, 2),
            "" if each.mean_otherwise is None else number(each.mean_otherwise, 2),
        )
        for each in report.effects
    ]
    console.print(plain_table(headings, rows, numbers=headings[2:]))
    is_coloured = may_colour(console.file)  # type: ignore[arg-type]
    scale = "blue: below 0, orange: above 0" if is_coloured else "below each line: ▁ is -1, ▅ is 0, █ is 1"
    for excerpt in report.excerpts:
        name = "" if excerpt.property is None else f"{excerpt.property}: "
        console.print(Text(f"--- {name}unit {excerpt.unit} ({scale}) ---", style="dim"))
        for line in _lines(excerpt, width=console.width, squash=report.value == "c"):
            if is_coloured:
                console.print(_coloured(line), no_wrap=True)
            else:
                console.file.write(f"{''.join(text for text, _ in line)}\n{''.join(map(_blocks, line)).rstrip()}\n")


def print_held_sample(sample: "HeldSample") -> None:
    """Prints a text with units held, and one without."""
    writer = TextWriter(sys.stdout, colour=may_colour(sys.stdout))
    for heading, text in (("as it is", sample.free_text), (f"with {', '.join(sample.held)}", sample.held_text)):
        writer.heading(f"{heading}, seed {sample.seed}")
        writer.write(text)
        writer.end()


def _lines(excerpt: "Excerpt", *, width: int, squash: bool) -> Iterator[list[_Cell]]:
    """Yields the lines of an excerpt, none wider than `width`; the line end has the place after the last character."""
    largest = max((abs(value) for value in excerpt.values), default=1.0)
    line: list[_Cell] = []
    for piece, value in zip(excerpt.pieces, excerpt.values, strict=True):
        shade = math.tanh(value) if squash else value / max(1.0, largest)
        for character in piece:
            shown = Text(" " if character in "\n\t" else visible(character))
            if sum(Text(text).cell_len for text, _ in line) + shown.cell_len > width:
                yield line
                line = []
            line.append((shown.plain, shade))
            if character == "\n":
                yield line
                line = []
    if line:
        yield line


def _coloured(line: list[_Cell]) -> Text:
    text = Text()
    for shown, shade in line:
        strength, colour = min(1.0, abs(shade)), _POSITIVE if shade > 0 else _NEGATIVE
        if strength < _WEAK:
            text.append(shown)
            continue
        background = Color.from_rgb(*(round(255 - strength * (255 - each)) for each in colour))
        text.append(shown, Style(color="black" if strength < 0.6 else "white", bgcolor=background.name))
    return text


def _blocks(cell: _Cell) -> str:
    text, shade = cell
    return _BLOCKS[min(7, int((shade + 1) / 2 * 8))] * Text(text).cell_len
