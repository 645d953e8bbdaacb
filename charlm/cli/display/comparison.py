"""The display of a comparison: a live table on a terminal, lines elsewhere, or nothing."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TypeAlias

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from charlm.cli.display.console import is_live, plain_console
from charlm.cli.display.formatting import clock, number
from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.palette import ALERT, RED
from charlm.cli.display.tables import plain_table
from charlm.cli.interrupts import STOPPING
from charlm.notation import visible
from charlm.runs.compare.result import VariantResult, table_rows
from charlm.runs.compare.variant import Variant
from charlm.runs.reporting import EvaluationReport, SilentReporter, StepReport, StopRequest, TrainingSummary

_REFRESHES_PER_SECOND = 2
_SECONDS_BETWEEN_LINES = 30.0
_LINES_AROUND_ROWS = 8
_HEADINGS = ("model", "layers", "units", "parameters", "steps", "seconds", "valid", "test", "")


ComparisonDisplay: TypeAlias = "QuietComparison | LiveComparison | ComparisonLines"
"""A reporter for the runs of a comparison that also shows their grid, and confirms a request to stop."""


def make_comparison_display(stop: StopRequest, *, quiet: bool) -> ComparisonDisplay:
    """Returns a live table on a terminal, log lines elsewhere, and a silent display when quiet."""
    if quiet:
        return QuietComparison()
    if is_live(sys.stderr):
        return LiveComparison(plain_console(sys.stderr), stop)
    return ComparisonLines(LineDisplay(sys.stderr, stop))


def results_table(results: Sequence[VariantResult]) -> Table:
    """Returns a table of results, a row for each variant."""
    table = plain_table(_HEADINGS, table_rows(results), numbers=_HEADINGS[1:-1])
    table.caption = "valid and test in bits per character"
    return table


class QuietComparison(SilentReporter):
    """A display that shows nothing."""

    def shown(self) -> AbstractContextManager[None]:
        """Does nothing."""
        return nullcontext()

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Does nothing."""

    def stopping(self) -> None:
        """Does nothing."""


class LiveComparison(SilentReporter):
    """A display that draws the grid on a terminal, a row for each variant.

    Reports are only stored; another thread redraws the table from the last ones.
    """

    def __init__(self, console: Console, stop: StopRequest) -> None:
        """Creates a display on `console` that also shows whether `stop` was requested."""
        self._console = console
        self._stop = stop
        self._variants: Sequence[Variant] = ()
        self._results: Mapping[str, VariantResult] = {}
        self._upcoming: Variant | None = None
        self._activity = ""
        self._step: StepReport | None = None
        self._validation: float | None = None

    def note(self, message: str) -> None:
        """Prints the message above the table, unless it is about a single run."""
        if self._upcoming is None:
            self._console.print(Text(visible(message), style="dim"))

    def warn(self, message: str) -> None:
        """Prints the message above the table, as a warning."""
        self._console.print(Text.assemble(("Warning: ", ALERT), visible(message)))

    def stopping(self) -> None:
        """Does nothing: the next redrawing shows the request, as a signal handler must not draw."""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the table inside the block."""
        live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=_REFRESHES_PER_SECOND,
            # Erased at the end, before the results are printed on standard output.
            transient=True,
            # Standard output may be a file, and must receive only results.
            redirect_stdout=False,
        )
        with live:
            yield

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Shows the label and the share that is done."""
        done, label = 0, visible(label)

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self._activity = f"{label}: {100 * done / total:.0f} %" if total else label

        self._activity = label
        try:
            yield advance
        finally:
            self._activity = ""

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Stores the grid for the next redrawing."""
        self._variants, self._results, self._upcoming = variants, dict(results), upcoming
        self._step = self._validation = None

    def step(self, report: StepReport) -> None:
        """Stores the report for the next redrawing."""
        self._step = report

    def evaluation(self, report: EvaluationReport) -> None:
        """Stores the score for the next redrawing."""
        if report.score is not None:
            self._validation = report.score.bits_per_character

    def _picture(self) -> RenderableType:
        table = plain_table(_HEADINGS, (), numbers=_HEADINGS[1:-1])
        for variant in self._rows_that_fit():
            result, style = self._known(variant)
            table.add_row(*(Text(visible(cell)) for cell in table_rows([result])[0]), style=style)
        done = f"{len(self._results)} of {len(self._variants)} models done" if self._variants else self._activity
        # Below the table: the terminal writes ^C at the cursor, which must not be inside a row.
        below = Text(STOPPING, style=ALERT) if self._stop.requested else Text(done, style="dim")
        return Group(table, below) if self._variants else below

    def _rows_that_fit(self) -> Sequence[Variant]:
        """Returns the variants whose rows fit on the terminal, among them the one in training."""
        most = max(3, self._console.height - _LINES_AROUND_ROWS)
        place = next(
            (place for place, variant in enumerate(self._variants) if variant is self._upcoming),
            len(self._variants) - 1,
        )
        first = max(0, min(place - most // 2, len(self._variants) - most))
        return self._variants[first : first + most]

    def _known(self, variant: Variant) -> tuple[VariantResult, str]:
        """Returns what is known of a variant, and the style of its row."""
        unknown = VariantResult(variant.name, variant.kind, variant.layers, seed=variant.seed)
        if variant is self._upcoming:
            steps = None if self._step is None else self._step.step
            return replace(unknown, steps=steps, validation=self._validation, error=self._training_state()), "bold"
        result = self._results.get(variant.name)
        return (unknown, "dim") if result is None else (result, RED if result.error else "")

    def _training_state(self) -> str:
        report = self._step
        if self._activity or report is None:
            return self._activity
        return f"{100 * report.step / report.total_steps:.0f} %, loss {number(report.loss, 3)}"


class ComparisonLines(SilentReporter):
    """A display that prints lines: two for each variant, and one every 30 seconds of its training."""

    def __init__(self, lines: LineDisplay, *, now: Callable[[], float] = time.monotonic) -> None:
        """Creates a display that prints with `lines`; `now` returns the time in seconds."""
        self._lines = lines
        self._now = now
        self._started = self._shown = now()
        self._upcoming: Variant | None = None

    def note(self, message: str) -> None:
        """Prints the message, unless it is about a single run."""
        if self._upcoming is None:
            self._lines.note(message)

    def warn(self, message: str) -> None:
        """Prints the message as a warning."""
        self._lines.warn(message)

    def stopping(self) -> None:
        """Prints that the current step will be finished and saved."""
        self._lines.stopping()

    def shown(self) -> AbstractContextManager[None]:
        """Does nothing: lines need no end."""
        return nullcontext()

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Prints progress before the first run; the progress of single runs is not printed."""
        return self._lines.progress(label, total) if self._upcoming is None else nullcontext(lambda _: None)

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints nothing: only results are printed."""
        yield
        self._lines.raise_failure()

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Prints the result of the last variant, and the name of the next one."""
        before = None if self._upcoming is None else results.get(self._upcoming.name)
        if before is not None:
            self._lines.note(f"{before.run} ({clock(self._now() - self._started)}): {_result_line(before)}")
        if upcoming is not None:
            self._lines.note(f"{upcoming.name} … ({len(results)} of {len(variants)} models done)")
        self._upcoming = upcoming
        self._started = self._shown = self._now()

    def step(self, report: StepReport) -> None:
        """Prints a line if 30 seconds have passed since the last one."""
        if self._upcoming is None or self._now() - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = self._now()
        share = 100 * report.step / report.total_steps
        self._lines.note(f"{self._upcoming.name}: {share:.0f} %, loss {number(report.loss)} nats/char")


def _result_line(result: VariantResult) -> str:
    if result.bits is None:
        return f"failed: {result.error}"
    return f"{number(result.bits)} bits/char, {result.parameters:,} parameters"
