"""The display of a search over settings: lines while it works, and what it has found."""

import contextlib
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console

from charlm.cli.display.console import print_sentence
from charlm.cli.display.formatting import clock, number
from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.tables import plain_table
from charlm.config import sections
from charlm.notation import visible
from charlm.runs.reporting import SilentReporter, StepReport, StopRequest, TrainingSummary

if TYPE_CHECKING:
    from charlm.runs.compare.findings import Findings, Repeated
    from charlm.runs.compare.study import TrialRow

_SECONDS_BETWEEN_LINES = 30.0

TuningDisplay: TypeAlias = "QuietTuning | TuningLines"
"""A reporter for the runs of a search that also shows its trials, and confirms a request to stop."""


def make_tuning_display(stop: StopRequest, *, quiet: bool) -> TuningDisplay:
    """Returns a display that prints lines, or a silent one when quiet."""
    return QuietTuning() if quiet else TuningLines(LineDisplay(sys.stderr, stop))


def print_findings(console: Console, findings: "Findings", folder: Path) -> None:
    """Prints the trials by rank, how much of the gain was luck, and the commands to run next."""
    searched = {name for each in findings.trials for name in each.settings}
    names = [name for section in sections().values() for name in section.model_fields if name in searched]
    headings = ("rank", "trial", f"bits/{findings.unit}", *(name.replace("_", " ") for name in names), "")
    rows = [
        (
            str(place) if each.state == "finished" else "",
            str(each.number),
            "" if each.bits is None else f"{'' if each.state == 'finished' else '~'}{number(each.bits)}",
            *(_setting(each.settings.get(name)) for name in names),
            _note(each),
        )
        for place, each in enumerate(findings.trials, start=1)
    ]
    console.print(plain_table(headings, rows, numbers=headings[:3]))
    best = findings.best
    if best is None:
        return
    for each in findings.repeated:
        print_sentence(console, _repeated_line(each, unit=findings.unit))
    print_sentence(console, _verdict(findings), style="bold")
    reference = shlex.quote(str(folder / "best.toml"))
    console.print(f"\nNext:\n  charlm train --config {visible(reference)}", soft_wrap=True)
    command = "sample" if findings.unit == "char" else "predict"
    console.print(f"  charlm {command} {visible(shlex.quote(f'{folder.name}/{best.run}'))}", soft_wrap=True)


def _setting(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _note(row: "TrialRow") -> str:
    if row.state == "finished":
        return "what charlm train chooses" if row.number == 0 else ""
    if row.state == "failed":
        return f"failed: {row.error}"
    return f"{row.state} at {row.share:.0%}"


def _repeated_line(repeated: "Repeated", *, unit: str) -> str:
    what = " (what charlm train chooses)" if repeated.number == 0 else ""
    return (
        f"Trial {repeated.number}{what} with {len(repeated.bits)} seeds: {number(repeated.mean)} bits/{unit}, "
        f"spread {number(repeated.spread)} ({', '.join(map(number, repeated.bits))})."
    )


def _verdict(findings: "Findings") -> str:
    best, gain = findings.best, findings.gain
    assert best is not None
    if best.number == 0:
        return "Nothing was found that is better than what charlm train chooses."
    if gain is None:
        return f"The best so far is trial {best.number}."
    sentence = f"The best is trial {best.number}, {number(gain)} bits/{findings.unit} below what charlm train chooses"
    if not findings.repeated:
        return f"{sentence}; how much of that is luck was not measured."
    spread = max(each.spread for each in findings.repeated)
    return f"{sentence}: {'no more than' if gain <= spread else 'more than'} the spread over seeds."


class QuietTuning(SilentReporter):
    """A display that shows nothing."""

    def upcoming(self, run: str, rows: "Sequence[TrialRow]", *, total: int) -> None:
        """Does nothing."""

    def over(self, row: "TrialRow") -> None:
        """Does nothing."""

    def stopping(self) -> None:
        """Does nothing."""


class TuningLines(SilentReporter):
    """A display that prints lines: two for each trial, and one every 30 seconds of its training."""

    def __init__(self, lines: LineDisplay, *, now: Callable[[], float] = time.monotonic) -> None:
        """Creates a display that prints with `lines`; `now` returns the time in seconds."""
        self._lines = lines
        self._now = now
        self._run = ""
        self._started = self._shown = now()
        self._best = float("inf")

    def note(self, message: str) -> None:
        """Prints the message."""
        self._lines.note(message)

    def warn(self, message: str) -> None:
        """Prints the message as a warning."""
        self._lines.warn(message)

    def stopping(self) -> None:
        """Prints that the current step will be finished and saved."""
        self._lines.stopping()

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Prints the progress of what comes before the first trial."""
        return self._lines.progress(label, total) if not self._run else nullcontext(lambda _: None)

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints nothing: only results are printed."""
        yield
        self._lines.raise_failure()

    def upcoming(self, run: str, rows: "Sequence[TrialRow]", *, total: int) -> None:
        """Prints the name of the run that is trained next."""
        done = sum(each.state not in ("training", "stopped") for each in rows)
        self._best = min((each.bits for each in rows if each.state == "finished" and each.bits), default=float("inf"))
        self._run = run
        self._started = self._shown = self._now()
        self._lines.note(f"{run} … ({done} of {total} trials done)")

    def over(self, row: "TrialRow") -> None:
        """Prints what came of a trial."""
        result = "" if row.bits is None else f"{number(row.bits)} bits"
        if row.state == "finished":
            result += ", the best so far" if row.bits is not None and row.bits < self._best else ""
        else:
            result = f"{_note(row)}{result and ': '}{result}"
        settings = ", ".join(f"{name} {_setting(value)}" for name, value in row.settings.items())
        self._lines.note(f"{row.run} ({clock(self._now() - self._started)}): {result} [{settings}]")

    def step(self, report: StepReport) -> None:
        """Prints a line if 30 seconds have passed since the last one."""
        if self._now() - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = self._now()
        self._lines.note(f"{self._run}: {report.share:.0%}, loss {number(report.loss)} nats/symbol")
