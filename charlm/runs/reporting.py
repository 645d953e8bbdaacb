"""What a run tells while it works; the command line draws it, the Python API may ignore it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from charlm.evaluation.score import Score


@dataclass(frozen=True)
class TrainingSummary:
    """What is about to be trained, told before it starts: headings and their values, in order."""

    run: Path
    rows: tuple[tuple[str, str], ...]
    total_steps: int
    first_step: int = 0


@dataclass(frozen=True)
class StepReport:
    """One optimizer step.

    Attributes:
        step: steps done, this one included.
        loss: mean nats per symbol of the step's batch, before the step.
        gradient_norm: norm of the gradient before clipping.
        clipped: share of the steps so far whose gradient was clipped, 0 to 1.
        skipped: steps so far that were not finite and changed no weight.
        characters_per_second: characters trained on per second, smoothed.
        total_steps: steps planned in all; a time budget may change it on the way.
    """

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    clipped: float
    skipped: int
    characters_per_second: float
    total_steps: int


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation on the validation text; `score` is None when there is none.

    Attributes:
        training_nats_per_character: training loss since the last evaluation.
        is_best: whether it is the best so far.
        sample: a short text drawn from the model.
    """

    step: int
    training_nats_per_character: float
    score: Score | None
    is_best: bool
    sample: str


class Reporter(Protocol):
    """Receives what a run has to tell."""

    def note(self, message: str) -> None:
        """Takes one line that is good to know."""
        ...

    def warn(self, message: str) -> None:
        """Takes one line that should not be missed."""
        ...

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Opens a progress display; the callable it gives is told how much more is done."""
        ...

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Shows the summary, then keeps the live display open while training goes on."""
        ...

    def step(self, report: StepReport) -> None:
        """Takes the report of a step."""
        ...

    def evaluation(self, report: EvaluationReport) -> None:
        """Takes the report of an evaluation."""
        ...


class SilentReporter:
    """Tells nothing."""

    def note(self, message: str) -> None:
        """Ignores the message."""

    def warn(self, message: str) -> None:
        """Ignores the message."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Returns a display that shows nothing."""
        return nullcontext(lambda _: None)

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Returns a display that shows nothing."""
        return nullcontext()

    def step(self, report: StepReport) -> None:
        """Ignores the report."""

    def evaluation(self, report: EvaluationReport) -> None:
        """Ignores the report."""


@dataclass
class StopRequest:
    """A wish to stop at the next safe point; the command line sets it on Ctrl-C.

    Attributes:
        requested: whether the wish was made.
        graceful: whether there is a safe point to wait for; elsewhere an interrupt stops at once.
    """

    requested: bool = field(default=False)
    graceful: bool = field(default=False)
