"""A comparison while it is trained: one live table on a terminal, a line for each model elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from charlm.cli.console import is_live, plain_console
from charlm.cli.figures import clock, number
from charlm.cli.interrupts import STOPPING
from charlm.cli.lines import LineDisplay
from charlm.cli.text import visible
from charlm.runs.compare.grid import Variant
from charlm.runs.compare.result import VariantResult
from charlm.runs.compare.tables import table_rows
from charlm.runs.reporting import EvaluationReport, Reporter, SilentReporter, StepReport, StopRequest, TrainingSummary

_REFRESHES_PER_SECOND = 2
_SECONDS_BETWEEN_LINES = 30.0
_LINES_AROUND_ROWS = 8
_HEADINGS = ("model", "layers", "units", "parameters", "steps", "seconds", "valid", "test", "")


class ComparisonDisplay(Reporter, Protocol):
    """A reporter for the runs of a comparison that is also told of its grid."""

    def shown(self) -> AbstractContextManager[None]:
        """Keeps the display open."""
        ...

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Takes the results so far, and which variant comes next; None when all are done."""
        ...

    def stopping(self) -> None:
        """Says that the step is being finished; called from a signal handler."""
        ...


def make_comparison_display(stop: StopRequest, *, quiet: bool) -> ComparisonDisplay:
    """Returns what suits standard error: a live table on a terminal, log lines elsewhere, nothing when quiet."""
    if quiet:
        return QuietComparison()
    if is_live(sys.stderr):
        return LiveComparison(plain_console(sys.stderr), stop)
    return ComparisonLines(LineDisplay(sys.stderr))


def results_table(results: Sequence[VariantResult]) -> Table:
    """Returns the results as a table, a row for each variant."""
    table = _empty_table()
    for cells in table_rows(results):
        table.add_row(*(visible(cell) for cell in cells))
    table.caption = "valid and test in bits per character"
    return table


class QuietComparison(SilentReporter):
    """Tells nothing at all."""

    def shown(self) -> AbstractContextManager[None]:
        """Returns a display that shows nothing."""
        return nullcontext()

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Ignores the grid."""

    def stopping(self) -> None:
        """Says nothing."""


class LiveComparison:
    """Draws the grid on a terminal, a row for each variant.

    Reports are only kept; the thread that redraws the picture looks at the last ones.
    """

    def __init__(self, console: Console, stop: StopRequest) -> None:
        """Draws on `console`; `stop` tells when a wish to stop was made."""
        self._console = console
        self._stop = stop
        self._variants: Sequence[Variant] = ()
        self._results: Mapping[str, VariantResult] = {}
        self._upcoming: Variant | None = None
        self._doing = ""
        self._step: StepReport | None = None
        self._validation: float | None = None

    def note(self, message: str) -> None:
        """Prints the message, above the table, unless it is a run's own."""
        if self._upcoming is None:
            self._console.print(Text(visible(message), style="dim"))

    def warn(self, message: str) -> None:
        """Prints the message as a warning, above the table."""
        self._console.print(Text.assemble(("Warning: ", "bold yellow"), visible(message)))

    def stopping(self) -> None:
        """Leaves it to the next redrawing: a signal handler must not draw."""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Keeps the table open."""
        live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=_REFRESHES_PER_SECOND,
            # Gone at the end, when the results are printed as results are.
            transient=True,
            # Standard output may be a file that wants its results untouched.
            redirect_stdout=False,
        )
        with live:
            yield

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Shows what is done, and how far it is."""
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self._doing = f"{label}: {100 * done / total:.0f} %" if total else label

        self._doing = label
        try:
            yield advance
        finally:
            self._doing = ""

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Shows the steps in the row of the variant."""
        yield

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Keeps the grid."""
        self._variants, self._results, self._upcoming = variants, dict(results), upcoming
        self._step = self._validation = None

    def step(self, report: StepReport) -> None:
        """Keeps the report."""
        self._step = report

    def evaluation(self, report: EvaluationReport) -> None:
        """Keeps the score."""
        if report.score is not None:
            self._validation = report.score.bits_per_character

    def _picture(self) -> RenderableType:
        table = _empty_table()
        for variant in self._rows_that_fit():
            result = self._results.get(variant.name)
            if variant is self._upcoming:
                (row,) = table_rows([self._so_far(variant)])
                table.add_row(*row[:-1], self._state(), style="bold")
            elif result is None:
                table.add_row(*table_rows([VariantResult(variant.name, variant.kind, variant.layers)])[0], style="dim")
            else:
                table.add_row(*map(visible, table_rows([result])[0]), style="red" if result.error else "")
        done = f"{len(self._results)} of {len(self._variants)} models done" if self._variants else self._doing
        # Below the table: the terminal writes its ^C where the cursor is, and must not break a line of it.
        below = Text(STOPPING, style="bold yellow") if self._stop.requested else Text(done, style="dim")
        return Group(table, below) if self._variants else below

    def _rows_that_fit(self) -> Sequence[Variant]:
        """Returns the variants whose rows fit on the terminal, the one that is trained among them."""
        most = max(3, self._console.height - _LINES_AROUND_ROWS)
        place = next(
            (place for place, variant in enumerate(self._variants) if variant is self._upcoming),
            len(self._variants) - 1,
        )
        first = max(0, min(place - most // 2, len(self._variants) - most))
        return self._variants[first : first + most]

    def _so_far(self, variant: Variant) -> VariantResult:
        steps = None if self._step is None else self._step.step
        return VariantResult(variant.name, variant.kind, variant.layers, steps=steps, validation=self._validation)

    def _state(self) -> str:
        report = self._step
        if self._doing or report is None:
            return self._doing
        return f"{100 * report.step / report.total_steps:.0f} %, loss {number(report.loss, 3)}"


class ComparisonLines:
    """Tells of a comparison in lines: two for each variant, and one now and then while it is trained."""

    def __init__(self, lines: LineDisplay, *, now: Callable[[], float] = time.monotonic) -> None:
        """Writes by way of `lines`; `now` tells the time in seconds."""
        self._lines = lines
        self._now = now
        self._started = self._shown = now()
        self._upcoming: Variant | None = None

    def note(self, message: str) -> None:
        """Prints the message, unless it is a run's own."""
        if self._upcoming is None:
            self._lines.note(message)

    def warn(self, message: str) -> None:
        """Prints the message as a warning."""
        self._lines.warn(message)

    def stopping(self) -> None:
        """Says that the step is being finished."""
        self._lines.stopping()

    def shown(self) -> AbstractContextManager[None]:
        """Returns a display that needs no end."""
        return nullcontext()

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Prints lines for what is done before the first run."""
        return self._lines.progress(label, total) if self._upcoming is None else nullcontext(lambda _: None)

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Prints nothing: it is the result that counts."""
        return nullcontext()

    def grid(self, variants: Sequence[Variant], results: Mapping[str, VariantResult], upcoming: Variant | None) -> None:
        """Prints the result of the variant before, and the name of the next one."""
        before = None if self._upcoming is None else results.get(self._upcoming.name)
        if before is not None:
            self._lines.note(f"{before.run} ({clock(self._now() - self._started)}): {_in_words(before)}")
        if upcoming is not None:
            self._lines.note(f"{upcoming.name} … ({len(results)} of {len(variants)} models done)")
        self._upcoming = upcoming
        self._started = self._shown = self._now()

    def step(self, report: StepReport) -> None:
        """Prints a line when some time has passed since the last one."""
        if self._upcoming is None or self._now() - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = self._now()
        share = 100 * report.step / report.total_steps
        self._lines.note(f"{self._upcoming.name}: {share:.0f} %, loss {number(report.loss)} nats/symbol")

    def evaluation(self, report: EvaluationReport) -> None:
        """Prints nothing: it is the result that counts."""


def _in_words(result: VariantResult) -> str:
    if result.bits is None:
        return f"failed: {result.error}"
    return f"{number(result.bits)} bits/char, {result.parameters:,} parameters"


def _empty_table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(_HEADINGS):
        table.add_column(name, justify="right" if 0 < place < len(_HEADINGS) - 1 else "left", overflow="fold")
    return table
