"""The result of `charlm eval accuracy`, printed for people and as JSON values for programs."""

import math
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlm.cli.display.formatting import number
from charlm.notation import counted, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.runs.evaluate.accuracy import AccuracyResult

_MOST_ROWS = 30
OWN = "own"
_HEADINGS = {
    "accuracy": "accuracy",
    "interval": "95 % interval",
    "character_accuracy": "of characters",
    "macro_f1": "macro F1",
    "nats_per_character": "nats/char",
    "nats_per_character_without_condition": "without condition",
    "error_rate": "errors per 100 symbols",
    "error_rate_interval": "95 % interval",
    "span_precision": "span precision",
    "span_recall": "span recall",
    "span_f1": "span F1",
    "span_f1_interval": "95 % interval",
}
"""The measures that are printed, with their headings."""


def accuracy_json(result: "AccuracyResult", *, confusion: bool) -> dict[str, Any]:
    """Returns the result as JSON values; with `confusion`, also how often each label is taken for which."""
    measured = result.measured
    rows = [
        {"label": row.label, "support": row.true, "precision": row.precision, "recall": row.recall, "f1": row.f1}
        for row in measured.rows
    ]
    values = {
        "run": result.run,
        "text": result.text,
        "task": result.task,
        **_finite(measured.models[OWN]),
        "labels": rows,
        "unknown_labels": list(measured.unknown_labels),
        "baselines": {name: _finite(each) for name, each in measured.models.items() if name != OWN},
    }
    if confusion:
        taken: dict[str, dict[str, int]] = {}
        for (true, predicted), count in measured.confusion.items():
            taken.setdefault(true, {})[predicted] = count
        values["confusion"] = taken
    return values


def print_accuracy(console: Console, result: "AccuracyResult", *, confusion: bool) -> None:
    """Prints the measures of a model beside those of simpler ones, and a row a label."""
    measured = result.measured
    shown = [name for name in measured.models[OWN] if name in _HEADINGS]
    table = _table(result.text, *(_HEADINGS[name] for name in shown))
    for name, measures in measured.models.items():
        cells = (_cell(measure, measures.get(measure)) for measure in shown)
        is_own = name == OWN
        table.add_row(Text(visible(result.run if is_own else name)), *cells, style="bold" if is_own else "")
    console.print(table)
    if measured.unknown_labels:
        names = ", ".join(visible(name) for name in measured.unknown_labels[:_MOST_ROWS])
        console.print(f"Never learnt, and so counted as wrong: {names}.", soft_wrap=True)
    if not measured.rows:
        return
    table = _table("label", "number", "precision", "recall", "F1")
    for row in measured.rows[:_MOST_ROWS]:
        shares = (_percent(row.precision), _percent(row.recall), _percent(row.f1))
        table.add_row(Text(visible(row.label)), f"{row.true:,}", *shares)
    console.print(table)
    more = len(measured.rows) - _MOST_ROWS
    if more > 0:
        console.print(f"… and {counted(more, 'label')} more; --json lists all.", soft_wrap=True)
    if confusion:
        _print_confusion(console, measured.confusion)


def _print_confusion(console: Console, confusion: "Mapping[tuple[str, str], int]") -> None:
    wrong = [(pair, count) for pair, count in confusion.items() if pair[0] != pair[1]]
    if not wrong:
        console.print("No label was taken for another.")
        return
    table = _table("is", "was taken for", "number")
    for (true, predicted), count in sorted(wrong, key=lambda each: (-each[1], each[0]))[:_MOST_ROWS]:
        table.add_row(Text(visible(true)), Text(visible(predicted)), f"{count:,}")
    console.print(table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    table.add_column(Text(visible(first), style="bold not dim"), overflow="fold", min_width=10)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _finite(measures: "Mapping[str, Any]") -> dict[str, Any]:
    """Returns measures with None for numbers that are none."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in measures.items()}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "error_rate_interval":
        return f"{number(value[0], 2)} to {number(value[1], 2)}"
    if name.startswith(("nats", "error")):
        return number(value, 4 if name.startswith("nats") else 2)
    return f"{_percent(value[0])} to {_percent(value[1])}" if isinstance(value, list) else _percent(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
