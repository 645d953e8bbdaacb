"""The display of progress on a terminal: a summary, then a picture of the training that is redrawn."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from charlm.cli.display.curve import draw_curve, legend
from charlm.cli.display.formatting import amount, bits, number, units_in_words
from charlm.cli.display.palette import ALERT
from charlm.cli.display.tables import rows_grid
from charlm.cli.display.time_left import TimeLeft, steps_in_words
from charlm.cli.interrupts import STOPPING
from charlm.notation import visible
from charlm.runs.reporting import EvaluationReport, LossPoint, StepReport, StopRequest, TrainingSummary

_REFRESHES_PER_SECOND = 4
_SAMPLE_LINES = 6
_CURVE_LINES = 6
_FEWEST_CURVE_LINES = 3
_LINES_AROUND = 17
"""Lines of everything but the rows of the curve and of the sample, and one that stays free."""
_MOST_STEPS_SMOOTHED = 20
_SHARE_SMOOTHED = 0.02
"""Share of a training over which its newest loss is smoothed, unless these are too many steps."""
_NARROW = 72
_WIDE = 100


class LiveDisplay:
    """A display that draws a run's progress on a terminal.

    Reports are only stored; another thread redraws the picture from the last ones.
    """

    def __init__(self, console: Console, stop: StopRequest, *, now: Callable[[], float] = time.monotonic) -> None:
        """Creates a display on `console` that also shows whether `stop` was requested; `now` returns the seconds."""
        self._console = console
        self._stop = stop
        self._bars = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=None),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            expand=True,
        )
        self._now = now
        self.run: Path | None = None
        self._summary: TrainingSummary | None = None
        self._time: TimeLeft | None = None
        self._training: TaskID | None = None
        self._loss: float | None = None
        self._step: StepReport | None = None
        self._evaluation: EvaluationReport | None = None
        self._points: list[LossPoint] = []

    def note(self, message: str) -> None:
        """Prints the message, above the picture."""
        self._console.print(Text(visible(message), style="dim"))

    def warn(self, message: str) -> None:
        """Prints the message as a warning, above the picture."""
        self._console.print(Text.assemble(("Warning: ", ALERT), visible(message)))

    def stopping(self) -> None:
        """Does nothing: the next redrawing shows the request, as a signal handler must not draw."""

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Shows a bar, in a training inside its picture."""
        if self._training is not None:
            task = self._bars.add_task(visible(label), total=total, left="")
            try:
                yield lambda more: self._bars.advance(task, more)
            finally:
                self._bars.remove_task(task)
            return
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        done = TextColumn("{task.fields[done]}")
        with Progress(*columns, done, TimeRemainingColumn(), console=self._console, transient=True) as bars:
            task = bars.add_task(visible(label), total=total, done="")

            def advance(more: int) -> None:
                so_far = amount(bars.tasks[task].completed + more)
                bars.update(task, advance=more, done=so_far if total is None else f"{so_far} of {amount(total)}")

            yield advance

    @contextlib.contextmanager
    def status(self, message: str) -> Iterator[None]:
        """Shows the message inside the block."""
        spinner = Spinner("line", Text(f"{visible(message)} …"))
        often = _REFRESHES_PER_SECOND
        with Live(spinner, console=self._console, refresh_per_second=often, transient=True, redirect_stdout=False):
            yield

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints the summary, and shows the picture inside the block."""
        self.run, self._summary, self._points = summary.run, summary, list(summary.history)
        self._time = TimeLeft(summary, now=self._now)
        self._console.print(_panel(rows_grid(summary.rows), Text(visible(summary.run.name), style="bold")))
        self._training = self._bars.add_task("step", total=1.0, left="")
        live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=_REFRESHES_PER_SECOND,
            # Standard output may be a file, and must receive only results.
            redirect_stdout=False,
        )
        try:
            with live:
                yield
        finally:
            self._training = None

    def step(self, report: StepReport) -> None:
        """Stores the report for the next redrawing."""
        # The loss of a step that was skipped may not be a number.
        if math.isfinite(report.loss):
            steps = max(1.0, min(_MOST_STEPS_SMOOTHED, _SHARE_SMOOTHED * report.total_steps))
            before = report.loss if self._loss is None else self._loss
            self._loss = before + (report.loss - before) / steps
        self._step = report

    def evaluation(self, report: EvaluationReport) -> None:
        """Stores the report for the next redrawing."""
        self._evaluation = report

    def losses(self, point: LossPoint) -> None:
        """Stores the point for the next redrawing."""
        self._points = [each for each in self._points if each.step < point.step] + [point]

    def _picture(self) -> RenderableType:
        summary, report = self._summary, self._step
        if summary is not None and self._training is not None and report is not None:
            has_deadline = summary.seconds_left is not None
            steps = steps_in_words(report.step, total_steps=report.total_steps, has_deadline=has_deadline)
            self._bars.update(self._training, completed=report.share, description=steps)
        if self._time is not None and self._training is not None:
            self._bars.update(self._training, left=self._time.in_words(report))
        figures = Table.grid(padding=(0, 2 if self._narrow else 5))
        figures.add_row(self._loss_table(), self._optimisation())
        parts: list[RenderableType] = [
            self._bars,
            Panel(
                figures, box=box.ROUNDED, border_style="dim", subtitle=self._evaluated_share(), subtitle_align="left"
            ),
        ]
        if self._curve_height:
            parts.append(self._curve(self._curve_height))
        if self._evaluation is not None and self._evaluation.sample:
            parts.append(self._sample(self._evaluation))
        # Always present: the terminal writes ^C at the cursor, which must not be inside a line of the picture.
        parts.append(Text(STOPPING if self._stop.requested else "", style=ALERT))
        return Group(*parts)

    @property
    def _narrow(self) -> bool:
        return self._console.width < _NARROW

    @property
    def _curve_height(self) -> int:
        """Rows of the curve; 0 where there is no room or nothing to draw."""
        height = min(_CURVE_LINES, (self._console.height - _LINES_AROUND + 1) // 2)
        return height if self._points and height >= _FEWEST_CURVE_LINES else 0

    @property
    def _is_mixed(self) -> bool:
        return self._summary is not None and self._summary.is_mixed

    @property
    def _unit(self) -> str:
        return "char" if self._summary is None else self._summary.unit

    def _evaluated_share(self) -> Text | None:
        share = 1.0 if self._evaluation is None else self._evaluation.evaluated_share
        return Text(f"validation: on {100 * share:.0f} % of it", style="dim") if share < 1.0 else None

    def _loss_table(self) -> Table:
        """Returns the losses; where n-grams are mixed in, the network's and the mixture's side by side."""
        models = ("network", "mixture") if self._is_mixed else ("",)
        # Nats and bits of two models need room.
        has_nats = not self._is_mixed or self._console.width >= _WIDE
        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
        table.add_column(Text("loss"), no_wrap=True)
        for model in models:
            for unit in (f"nats/{self._unit}", f"bits/{self._unit}")[0 if has_nats else 1 :]:
                table.add_column(Text(f"{model}\n{unit}" if model else unit), justify="right", no_wrap=True)
        if not self._narrow:
            table.add_column("", no_wrap=True, style="dim")
        for name, losses, note, style in self._loss_rows():
            figures = [
                Text("" if nats is None else number(value), style=style)
                for nats in losses[: len(models)]
                for value in ((nats, bits(nats)) if nats is not None else (0.0, 0.0))[0 if has_nats else 1 :]
            ]
            table.add_row(name, *figures, *(() if self._narrow else (note,)))
        return table

    def _loss_rows(self) -> Iterator[tuple[str, tuple[float | None, float | None], str, str]]:
        """Yields name, losses, note and style; the losses are the network's, then those of a mixture."""
        yield "now", (self._loss, None), "", ""
        latest = self._evaluation
        if latest is None:
            return
        yield "training", (latest.training_nats_per_character, None), "", ""
        if latest.score is not None:
            validation, network = (
                None if score is None else score.nats_per_character for score in (latest.score, latest.network)
            )
            losses = (network, validation) if self._is_mixed else (validation, None)
            yield "validation", losses, *(("best", "bold") if latest.is_best else ("", ""))
        best = min(
            (point for point in self._points if point.validation is not None),
            key=lambda point: point.validation or 0.0,
            default=None,
        )
        if best is not None and not latest.is_best:
            losses = (best.network, best.validation) if self._is_mixed else (best.validation, None)
            yield "best", losses, f"step {best.step:,}", ""

    def _curve(self, height: int) -> Panel:
        is_ascii = self._console.options.ascii_only
        width = self._console.width - 4
        curve = draw_curve(self._points, width=width, height=height, is_ascii=is_ascii, unit=self._unit)
        return _panel(curve, legend(is_mixed=self._is_mixed, is_ascii=is_ascii), border_style="dim")

    def _optimisation(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        report = self._step
        if report is None:
            return table
        table.add_row("learning rate", f"{report.learning_rate:.2e}")
        table.add_row("gradient norm", number(report.gradient_norm, 3))
        table.add_row("clipped", f"{100 * report.clipped:.0f} %")
        table.add_row("skipped", Text(f"{report.skipped:,}", style=ALERT if report.skipped else ""))
        table.add_row(f"{units_in_words(self._unit)}/s", f"{report.characters_per_second:,.0f}")
        return table

    def _sample(self, report: EvaluationReport) -> Panel:
        height = max(1, min(_SAMPLE_LINES, self._console.height - _LINES_AROUND - self._curve_height))
        text = Text(visible(report.sample).expandtabs(4), overflow="fold")
        lines = text.wrap(self._console, max(1, self._console.width - 4))[:height]
        return _panel(Text("\n").join(lines), Text(f"sample at step {report.step:,}", style="dim"), border_style="dim")


def _panel(content: RenderableType, title: Text, *, border_style: str = "none") -> Panel:
    return Panel(content, title=title, title_align="left", box=box.ROUNDED, border_style=border_style)
