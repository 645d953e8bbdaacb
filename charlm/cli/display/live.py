"""The display of progress on a terminal: a summary, then a picture of the training that is redrawn."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from charlm.cli.display.formatting import bits, number
from charlm.cli.display.tables import rows_grid
from charlm.cli.display.text import visible
from charlm.cli.interrupts import STOPPING
from charlm.runs.reporting import EvaluationReport, LossPoint, StepReport, StopRequest, TrainingSummary

_REFRESHES_PER_SECOND = 4
_SAMPLE_LINES = 6
_LINES_ABOVE_SAMPLE = 12
_SMOOTHING = 0.95
_NARROW = 72


class LiveDisplay:
    """A display that draws a run's progress on a terminal.

    Reports are only stored; another thread redraws the picture from the last ones.
    """

    def __init__(self, console: Console, stop: StopRequest) -> None:
        """Creates a display on `console` that also shows whether `stop` was requested."""
        self._console = console
        self._stop = stop
        self._bars = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left", style="dim"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self.run: Path | None = None
        self._training: TaskID | None = None
        self._loss: float | None = None
        self._step: StepReport | None = None
        self._evaluation: EvaluationReport | None = None
        self._best: EvaluationReport | None = None

    def note(self, message: str) -> None:
        """Prints the message, above the picture."""
        self._console.print(Text(visible(message), style="dim"))

    def warn(self, message: str) -> None:
        """Prints the message as a warning, above the picture."""
        self._console.print(Text.assemble(("Warning: ", "bold yellow"), visible(message)))

    def stopping(self) -> None:
        """Does nothing: the next redrawing shows the request, as a signal handler must not draw."""

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Shows a bar, in a training inside its picture."""
        if self._training is not None:
            task = self._bars.add_task(visible(label), total=total)
            try:
                yield lambda more: self._bars.advance(task, more)
            finally:
                self._bars.remove_task(task)
            return
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as bars:
            task = bars.add_task(visible(label), total=total)
            yield lambda more: bars.advance(task, more)

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints the summary, and shows the picture inside the block."""
        self.run = summary.run
        self._console.print(_panel(rows_grid(summary.rows), Text(visible(summary.run.name), style="bold")))
        self._training = self._bars.add_task("step", total=summary.total_steps, completed=summary.first_step)
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
        self._loss = report.loss if self._loss is None else _SMOOTHING * self._loss + (1 - _SMOOTHING) * report.loss
        self._step = report

    def evaluation(self, report: EvaluationReport) -> None:
        """Stores the report for the next redrawing."""
        self._evaluation = report
        if report.is_best:
            self._best = report

    def losses(self, point: LossPoint) -> None:
        """Shows nothing."""

    def _picture(self) -> RenderableType:
        if self._training is not None and self._step is not None:
            self._bars.update(self._training, completed=self._step.step, total=self._step.total_steps)
        figures = Table.grid(padding=(0, 2 if self._narrow else 5))
        figures.add_row(self._losses(), self._optimisation())
        parts: list[RenderableType] = [self._bars, Panel(figures, box=box.ROUNDED, border_style="dim")]
        if self._evaluation is not None and self._evaluation.sample:
            parts.append(self._sample(self._evaluation))
        # Always present: the terminal writes ^C at the cursor, which must not be inside a line of the picture.
        parts.append(Text(STOPPING if self._stop.requested else "", style="bold yellow"))
        return Group(*parts)

    @property
    def _narrow(self) -> bool:
        return self._console.width < _NARROW

    def _losses(self) -> Table:
        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
        table.add_column("loss", no_wrap=True)
        table.add_column("nats", justify="right", no_wrap=True)
        table.add_column("bits", justify="right", no_wrap=True)
        if not self._narrow:
            table.add_column("", no_wrap=True, style="dim")
        rows = [("now", self._loss, "per char", "")]
        latest, best = self._evaluation, self._best
        if latest is not None:
            rows.append(("training", latest.training_nats_per_character, "per char", ""))
            if latest.score is not None:
                style = "bold green" if latest.is_best else ""
                mark = "per char, best" if latest.is_best else "per char"
                rows.append(("validation", latest.score.nats_per_character, mark, style))
            if best is not None and best.score is not None and best is not latest:
                rows.append(("best", best.score.nats_per_character, f"step {best.step:,}", "green"))
        for name, nats, unit, style in rows:
            figures = (number(nats), number(bits(nats))) if nats is not None else ("…", "…")
            cells: list[RenderableType] = [name, *(Text(figure, style=style) for figure in figures)]
            table.add_row(*(cells if self._narrow else [*cells, unit]))
        return table

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
        table.add_row("skipped", Text(f"{report.skipped:,}", style="bold red" if report.skipped else ""))
        table.add_row("characters/s", f"{report.characters_per_second:,.0f}")
        return table

    def _sample(self, report: EvaluationReport) -> Panel:
        height = max(1, min(_SAMPLE_LINES, self._console.height - _LINES_ABOVE_SAMPLE))
        text = Text(visible(report.sample).expandtabs(4), overflow="fold")
        lines = text.wrap(self._console, max(1, self._console.width - 4))[:height]
        return _panel(Text("\n").join(lines), Text(f"sample at step {report.step:,}", style="dim"), border_style="dim")


def _panel(content: RenderableType, title: Text, *, border_style: str = "none") -> Panel:
    return Panel(content, title=title, title_align="left", box=box.ROUNDED, border_style=border_style)
