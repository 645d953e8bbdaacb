"""The result of `charlm eval accuracy`, printed for people and as JSON values for programs."""

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlm.cli.display.text import visible
from charlm.notation import counted

if TYPE_CHECKING:
    from charlm.evaluation.accuracy import LabelScore
    from charlm.runs.evaluate.accuracy import AccuracyResult

_MOST_ROWS = 30


def accuracy_json(result: "AccuracyResult", *, confusion: bool) -> dict[str, Any]:
    """Returns the result as JSON values; with `confusion`, also how often each label is taken for which."""
    score = result.score
    rows = [
        {"label": row.label, "support": row.support, "precision": row.precision, "recall": row.recall, "f1": row.f1}
        for row in score.rows
    ]
    values = {
        "run": result.run,
        "text": result.text,
        "task": result.task,
        **_summary(score),
        "labels": rows,
        "unknown_labels": list(result.unknown_labels),
        "baselines": {name: _summary(each) for name, each in result.baselines.items()},
    }
    if confusion:
        taken: dict[str, dict[str, int]] = {}
        for (true, predicted), count in score.confusion.items():
            taken.setdefault(true, {})[predicted] = count
        values["confusion"] = taken
    return values


def print_accuracy(console: Console, result: "AccuracyResult", *, confusion: bool) -> None:
    """Prints the result: the share of right labels beside those of simpler models, and a row a label."""
    table = _table(result.text, "accuracy", "95 % interval", "macro F1")
    for name, score in ((result.run, result.score), *result.baselines.items()):
        low, high = score.accuracy.interval
        cells = (_percent(score.accuracy.value), f"{_percent(low)} to {_percent(high)}", f"{score.macro_f1:.3f}")
        table.add_row(Text(visible(name)), *cells, style="bold" if score is result.score else "")
    console.print(table)
    if result.unknown_labels:
        names = ", ".join(visible(name) for name in result.unknown_labels[:_MOST_ROWS])
        console.print(f"Never learnt, and so counted as wrong: {names}.", soft_wrap=True)
    table = _table("label", "examples", "precision", "recall", "F1")
    for row in result.score.rows[:_MOST_ROWS]:
        shares = (_percent(row.precision), _percent(row.recall), f"{row.f1:.3f}")
        table.add_row(Text(visible(row.label)), f"{row.support:,}", *shares)
    console.print(table)
    more = len(result.score.rows) - _MOST_ROWS
    if more > 0:
        console.print(f"… and {counted(more, 'label')} more; --json lists all.", soft_wrap=True)
    if confusion:
        _print_confusion(console, result.score)


def _print_confusion(console: Console, score: "LabelScore") -> None:
    table = _table("is", "was taken for", "examples")
    wrong = ((pair, count) for pair, count in score.confusion.items() if pair[0] != pair[1])
    for (true, predicted), count in sorted(wrong, key=lambda each: (-each[1], each[0]))[:_MOST_ROWS]:
        table.add_row(Text(visible(true)), Text(visible(predicted)), f"{count:,}")
    console.print(table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    table.add_column(Text(visible(first), style="bold not dim"), overflow="fold", min_width=10)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _summary(score: "LabelScore") -> dict[str, Any]:
    return {
        "examples": score.accuracy.trials,
        "accuracy": score.accuracy.value,
        "interval": list(score.accuracy.interval),
        "macro_f1": score.macro_f1,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
