"""Curves and tables of figures, as text."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from charlm.cli.console import plain_console
from charlm.cli.figures import log_bar

_PLACES = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000)


def print_curves(curves: Mapping[str, Sequence[float]], *, heading: str, first: int) -> None:
    """Prints curves side by side at growing distances, each figure with a bar on a logarithmic scale.

    Args:
        heading: what the places are.
        first: place of each curve's first value.
    """
    length = max(map(len, curves.values()))
    places = sorted({0, length - 1, *(place - first for place in _PLACES)})
    shown = [place for place in places if 0 <= place < length]
    values = [value for curve in curves.values() for value in curve]
    rows = [
        (str(place + first), *(f"{curve[place]:.3g} {log_bar(curve[place], values)}" for curve in curves.values()))
        for place in shown
    ]
    plain_console(sys.stdout).print(table((heading, *curves), rows))


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    """Returns a plain table."""
    from rich import box
    from rich.table import Table

    built = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        built.add_column(name, overflow="fold")
    for row in rows:
        built.add_row(*row)
    return built
