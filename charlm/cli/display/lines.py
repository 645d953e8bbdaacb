"""The display of progress for logs and pipes: plain lines, one every few seconds."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from charlm.cli.display.formatting import bits, clock, duration, number
from charlm.cli.display.text import visible
from charlm.cli.interrupts import STOPPING
from charlm.runs.reporting import EvaluationReport, StepReport, StopRequest, TrainingSummary

_SECONDS_BETWEEN_LINES = 5.0


class LineDisplay:
    """A display that prints a run's progress in lines.

    Where lines can no longer be written during a training, because the reader has left or the disk is full, the
    training is asked to stop and save; the error is raised after that.
    """

    def __init__(
        self, stream: TextIO, stop: StopRequest | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Creates a display on `stream` that makes the request `stop`; `now` returns the time in seconds."""
        self._stream = stream
        self._stop = stop or StopRequest()
        self._failure: OSError | None = None
        self._now = now
        self.run: Path | None = None
        self._summary: TrainingSummary | None = None
        self._started = self._shown = now()

    def note(self, message: str) -> None:
        """Prints the message."""
        self._line(message)

    def warn(self, message: str) -> None:
        """Prints the message as a warning."""
        self._line(f"Warning: {message}")

    def stopping(self) -> None:
        """Prints that the current step will be finished and saved."""
        # Directly to the file: the signal may have interrupted a write to the stream's buffer.
        with contextlib.suppress(OSError):
            os.write(self._stream.fileno(), f"{STOPPING}\n".encode())

    @contextlib.contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Prints a line at the start, one every few seconds, and one at the end."""
        started = shown = self._now()
        done = 0
        self._line(f"{label} …")

        def advance(more: int) -> None:
            nonlocal done, shown
            done += more
            if self._now() - shown >= _SECONDS_BETWEEN_LINES:
                shown = self._now()
                self._line(f"{label}: {100 * done / total:.0f} %" if total else f"{label}: {done:,}")

        yield advance
        self._line(f"{label}: done in {duration(self._now() - started)}")

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints the summary of the training."""
        self._summary = summary
        self.run = summary.run
        width = max((len(heading) for heading, _ in summary.rows), default=0)
        for heading, value in summary.rows:
            self._line(f"{heading:<{width}}  {value}")
        self._started = self._now()
        # So that the first step is printed at once.
        self._shown = self._started - _SECONDS_BETWEEN_LINES
        yield
        self.raise_failure()

    def step(self, report: StepReport) -> None:
        """Prints a line if a few seconds have passed since the last one, or at the last step."""
        now = self._now()
        summary = self._summary
        if summary is None or (now - self._shown < _SECONDS_BETWEEN_LINES and report.step < report.total_steps):
            return
        self._shown = now
        done = report.step - summary.first_step
        elapsed = now - self._started
        left = f", {clock(elapsed / done * (report.total_steps - report.step))} left" if elapsed > 1 and done else ""
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        self._line(
            f"step {report.step:,}/{report.total_steps:,} ({100 * report.step / report.total_steps:.0f} %): "
            f"loss {number(report.loss)} nats/symbol, learning rate {report.learning_rate:.2e}, "
            f"gradient norm {number(report.gradient_norm, 2)} ({100 * report.clipped:.0f} % clipped{skipped}), "
            f"{report.characters_per_second:,.0f} characters/s{left}"
        )

    def evaluation(self, report: EvaluationReport) -> None:
        """Prints the losses and the sample."""
        losses = [("training", report.training_nats_per_character)]
        if report.score is not None:
            losses.append(("validation", report.score.nats_per_character))
        figures = ", ".join(
            f"{name} {number(nats)} nats/char = {number(bits(nats))} bits/char" for name, nats in losses
        )
        best = ", the best so far" if report.is_best and report.score is not None else ""
        self._line(f"evaluation at step {report.step:,}: {figures}{best}")
        for line in report.sample.split("\n") if report.sample else ():
            self._line(f"  | {line}")

    def raise_failure(self) -> None:
        """Raises the OSError of a line that could not be written during a training, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _line(self, text: str) -> None:
        if self._failure is not None:
            return
        try:
            self._stream.write(f"{visible(text)}\n")
            self._stream.flush()
        except OSError as error:
            if not self._stop.graceful:
                raise
            self._failure, self._stop.requested = error, True
