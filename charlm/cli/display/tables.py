"""Tables as text: plain ones, headings with their values, and curves as columns."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlm.cli.display.console import plain_console
from charlm.cli.display.formatting import log_bar
from charlm.notation import visible

_PLACES = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000)


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = ()) -> Table:
    """Returns a table with one line under its headings and no other borders; columns of `numbers` end at the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(visible(heading), justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(visible, row))
    return table


def rows_grid(rows: Iterable[tuple[str, ...]]) -> Table:
    """Returns headings and their values, one heading with a value or several a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    for heading, *values in rows:
        while len(table.columns) <= len(values):
            table.add_column(overflow="fold", ratio=1 if len(values) > 1 else None)
        table.add_row(visible(heading), *(Text(visible(value)) for value in values))
    return table


def print_rows(console: Console, rows: Iterable[tuple[str, ...]]) -> None:
    """Prints headings and their values, one heading with a value or several a line."""
    # Without the spaces that a table ends its lines with.
    with console.capture() as captured:
        console.print(rows_grid(rows))
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_curves(curves: Mapping[str, Sequence[float]], *, heading: str, first: int) -> None:
    """Prints curves as columns, at places that lie further and further apart; each value has a logarithmic bar.

    Args:
        heading: the name of the places.
        first: the place of each curve's first value.
    """
    length = max(map(len, curves.values()))
    places = sorted({0, length - 1, *(place - first for place in _PLACES)})
    shown = [place for place in places if 0 <= place < length]
    values = [value for curve in curves.values() for value in curve]
    rows = [
        (str(place + first), *(f"{curve[place]:.3g} {log_bar(curve[place], values)}" for curve in curves.values()))
        for place in shown
    ]
    plain_console(sys.stdout).print(plain_table((heading, *curves), rows))
