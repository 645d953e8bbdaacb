"""The display of progress for logs and pipes: plain lines, one every few seconds."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from charlm.cli.display.formatting import amount, bits, duration, number, units_in_words
from charlm.cli.display.time_left import TimeLeft, steps_in_words
from charlm.cli.interrupts import STOPPING
from charlm.notation import visible
from charlm.runs.reporting import EvaluationReport, LossPoint, StepReport, StopRequest, TrainingSummary

_SECONDS_BETWEEN_LINES = 5.0
_SHARE_BETWEEN_LINES = 0.1
_SAMPLE_LINES = 4


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
        self._time: TimeLeft | None = None
        self._shown = now()

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
                self._line(f"{label}: {_share(done, total, shown - started)}" if total else f"{label}: {amount(done)}")

        yield advance
        self._line(f"{label}: done in {duration(self._now() - started)}")

    def status(self, message: str) -> contextlib.AbstractContextManager[None]:
        """Prints nothing: a line would stay."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Prints the summary of the training."""
        self._summary = summary
        self.run = summary.run
        width = max((len(heading) for heading, _ in summary.rows), default=0)
        for heading, value in summary.rows:
            self._line(f"{heading:<{width}}  {value}")
        self._time = TimeLeft(summary, now=self._now)
        # So that the first step is printed at once.
        self._shown = self._now() - _SECONDS_BETWEEN_LINES
        yield
        self.raise_failure()

    def step(self, report: StepReport) -> None:
        """Prints a line at the first and the last step, and between them less and less often."""
        if self._summary is None or self._time is None:
            return
        now = self._now()
        pause = max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * self._time.elapsed)
        if now - self._shown < pause and report.step < report.total_steps:
            return
        self._shown = now
        has_deadline = self._summary.seconds_left is not None
        steps = steps_in_words(report.step, total_steps=report.total_steps, has_deadline=has_deadline)
        left = self._time.in_words(report)
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        loss = self._loss("network" if self._summary.is_mixed else "loss", report.loss)
        self._line(
            f"{steps} ({100 * report.share:.0f} %): {loss}, learning rate {report.learning_rate:.2e}, "
            f"gradient norm {number(report.gradient_norm, 2)} ({100 * report.clipped:.0f} % clipped{skipped}), "
            f"{report.characters_per_second:,.0f} {units_in_words(self._summary.unit)}/s{left and f', {left}'}"
        )

    def evaluation(self, report: EvaluationReport) -> None:
        """Prints the losses and the beginning of the sample."""
        is_mixed = report.network is not None
        losses = [self._loss("network, training" if is_mixed else "training", report.training_nats_per_character)]
        share = f" (on {100 * report.evaluated_share:.0f} % of it)" if report.evaluated_share < 1.0 else ""
        if report.network is not None:
            losses.append(self._loss(f"network, validation{share}", report.network.nats_per_character))
        if report.score is not None:
            name = f"mixture, validation{share}" if is_mixed else f"validation{share}"
            losses.append(self._loss(name, report.score.nats_per_character))
        best = ", the best so far" if report.is_best and report.score is not None else ""
        self._line(f"evaluation at step {report.step:,}: {('; ' if is_mixed else ', ').join(losses)}{best}")
        for line in [line for line in report.sample.split("\n") if line][:_SAMPLE_LINES]:
            self._line(f"  | {line}")

    def losses(self, point: LossPoint) -> None:
        """Shows nothing."""

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

    def _loss(self, name: str, nats: float) -> str:
        unit = "char" if self._summary is None else self._summary.unit
        return f"{name} {number(nats)} nats/{unit} = {number(bits(nats))} bits/{unit}"


def _share(done: int, total: int, seconds: float) -> str:
    """Returns how much is done, and how long the rest will take at the speed so far."""
    left = seconds * max(0, total - done) / max(1, done)
    return f"{100 * done / total:.0f} %, {amount(done)} of {amount(total)}, {duration(left)} left"
