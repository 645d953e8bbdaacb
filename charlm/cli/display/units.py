"""The results of `charlm inspect units`: a table of units, and text coloured by what a unit's value is."""

import math
import sys
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from charlm.cli.display.formatting import number
from charlm.cli.display.shading import Scale, write_shaded
from charlm.cli.display.tables import plain_table
from charlm.cli.display.text import TextWriter, may_colour
from charlm.notation import visible
from charlm.page.shading import UNIT_BORDERS

if TYPE_CHECKING:
    from charlm.evaluation.unit_excerpts import Excerpt
    from charlm.runs.inspect.units import HeldSample, UnitsReport

SCALE = Scale(
    borders=UNIT_BORDERS,
    colours=((25, 231), (68, 16), (110, 16), (153, 16), None, (223, 16), (215, 16), (172, 16), (130, 231)),
    bar_borders=(-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75),
    bars="▁▂▃▄▅▆▇█",
)
"""How a unit's value is shown, from -1 to 1."""
_VALUES = {"c": "c, a unit's memory; shown as tanh(c)", "h": "h, a unit's output"}


def print_units(console: Console, report: "UnitsReport") -> None:
    """Prints the effects as a table, and the excerpts with the units' values."""
    stream: TextIO = console.file  # type: ignore[assignment]
    scale = "Blue is below 0, orange above." if may_colour(stream) else "Below each line: ▁ is -1, ▅ is 0, █ is 1."
    values = f"Values are {_VALUES[report.value]}. {scale}"
    console.print(f"Read {report.symbols:,} symbols of {visible(report.text)}. {values}")
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
    for excerpt in report.excerpts:
        name = "" if excerpt.property is None else f"{excerpt.property}: "
        console.print(Text(f"--- {name}unit {excerpt.unit} ---", style="dim"))
        shades = _shades(excerpt, squash=report.value == "c")
        write_shaded(stream, zip(excerpt.pieces, shades, strict=True), SCALE, width=console.width, shows_line_ends=True)


def print_held_sample(sample: "HeldSample") -> None:
    """Prints a text with units held, and one without."""
    writer = TextWriter(sys.stdout, colour=may_colour(sys.stdout))
    for heading, text in (("as it is", sample.free_text), (f"with {', '.join(sample.held)}", sample.held_text)):
        writer.heading(f"{heading}, seed {sample.seed}")
        writer.write(text)
        writer.end()


def _shades(excerpt: "Excerpt", *, squash: bool) -> list[float]:
    largest = max((abs(value) for value in excerpt.values), default=1.0)
    return [math.tanh(value) if squash else value / max(1.0, largest) for value in excerpt.values]
