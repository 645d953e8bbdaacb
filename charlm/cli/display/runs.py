"""Runs as text: the list of all, the description of one or of two side by side, and the state of its files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlm.cli.display.console import print_sentence
from charlm.cli.display.formatting import count, number, sparkline
from charlm.cli.display.tables import print_rows
from charlm.notation import visible

if TYPE_CHECKING:
    from charlm.runs.info import RunDescription
    from charlm.runs.list import RunRow
    from charlm.runs.verify import RunReport

_PARTIAL = "~"
"""Stands before a score that is not that of a whole text."""
_DISPENSABLE = ("text", "date", "model", "size")
"""Columns that a narrow terminal does without, in this order."""


def print_runs(console: Console, rows: "Sequence[RunRow]") -> None:
    """Prints a table of runs, and why those that are damaged are."""
    if not rows:
        console.print("There are no runs yet; make one with: charlm train my.txt")
        return
    columns = {
        "name": [row.name for row in rows],
        "date": ["" if row.date is None else f"{row.date:%Y-%m-%d}" for row in rows],
        "text": [row.text or "" for row in rows],
        "model": [row.model or "" for row in rows],
        "size": ["" if row.parameters is None else count(row.parameters) for row in rows],
        "valid": [_validation(row) for row in rows],
        "test": ["" if row.test is None else number(row.test, 3) for row in rows],
        "bits per": [row.unit for row in rows],
        "state": [_state(row) for row in rows],
    }
    if all(row.unit == "char" for row in rows):
        del columns["bits per"]
    columns = {heading: [visible(cell) for cell in cells] for heading, cells in columns.items()}
    for heading in _DISPENSABLE:
        if _width(columns) > console.width:
            del columns[heading]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in columns:
        is_number = heading in ("size", "valid", "test")
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    if _width(columns) <= console.width:
        # In one row of many lines, which Rich lays out three times as fast.
        table.add_row(*(Text("\n".join(cells)) for cells in columns.values()))
    else:
        for cells in zip(*columns.values(), strict=True):
            table.add_row(*map(Text, cells))
    console.print(table)
    if any(row.validation_share is not None for row in rows):
        print_sentence(console, f"{_PARTIAL} on a part of the validation text; the end of a training reads all of it.")
    for row in rows:
        if row.problem is not None:
            console.print(visible(f"{row.name}: {row.problem}"), soft_wrap=True)


def _width(columns: Mapping[str, Sequence[str]]) -> int:
    return sum(max(map(cell_len, (name, *cells))) + 2 for name, cells in columns.items())


def _validation(row: "RunRow") -> str:
    if row.validation is None:
        return ""
    return f"{'' if row.validation_share is None else _PARTIAL}{number(row.validation, 3)}"


def _state(row: "RunRow") -> str:
    if row.state != "stopped":
        return row.state
    return f"stopped at {row.step / row.total_steps:.0%}" if row.total_steps else "stopped at 0%"


def print_descriptions(console: Console, descriptions: "Sequence[RunDescription]") -> None:
    """Prints the description of one run, or of several side by side, and the curves of their losses."""
    columns = [dict(each.rows) for each in descriptions]
    # In the order of the one that has the most to say.
    headings = dict.fromkeys(heading for rows in sorted(columns, key=len, reverse=True) for heading in rows)
    print_rows(console, [(heading, *(rows.get(heading, "–") for rows in columns)) for heading in headings])
    for each in descriptions:
        _print_curves(console, each, name=f"{each.name}: " if len(descriptions) > 1 else "")


def _print_curves(console: Console, description: "RunDescription", *, name: str) -> None:
    table = Table.grid(padding=(0, 2))
    points = description.history
    is_mixed = any(each.network is not None for each in points)
    for heading, values in (
        ("network, training" if is_mixed else "training", [each.training for each in points]),
        ("network, validation", [each.network for each in points]),
        ("mixture, validation" if is_mixed else "validation", [each.validation for each in points]),
    ):
        known = [value for value in values if value is not None]
        if len(known) > 1:
            ends = f"{number(known[0])} → {number(known[-1])}, lowest {number(min(known))}"
            table.add_row(Text(heading, style="dim"), sparkline(known), ends)
    if table.row_count:
        steps = f"loss from step {points[0].step:,} to {points[-1].step:,}, nats/{description.unit}"
        console.print(f"\n{visible(name)}{steps}", style="bold")
        console.print(table)


def print_verification(console: Console, report: "RunReport") -> None:
    """Prints the state of each file of a run, and the commands that still work."""
    print_rows(console, [(each.file, each.holds or f"DAMAGED: {each.problem}") for each in report.files])
    if report.is_whole:
        console.print("\nEvery file is whole.")
        return
    console.print("\nStill usable:" if report.usable else "\nNothing is usable.")
    for command in report.usable:
        console.print(f"  {visible(command)}", soft_wrap=True)
