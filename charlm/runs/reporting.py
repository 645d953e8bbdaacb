"""The reports of a run while it works; the command line shows them, the Python API may ignore them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from charlm.evaluation.score import Score


@dataclass(frozen=True)
class TrainingSummary:
    """A training before it starts: headings and their values, in order."""

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
    """Receives the reports of a run; a method that a class below it leaves out shows nothing."""

    def note(self, message: str) -> None:
        """Shows a line that is good to know."""
        return

    def warn(self, message: str) -> None:
        """Shows a line that should not be missed."""
        return

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Opens a progress display, and gives a function that adds to what is done."""
        return nullcontext(lambda _: None)

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Shows the summary, and keeps the live display open during the training."""
        return nullcontext()

    def step(self, report: StepReport) -> None:
        """Shows a step."""
        return

    def evaluation(self, report: EvaluationReport) -> None:
        """Shows an evaluation."""
        return


class SilentReporter(Reporter):
    """Shows nothing."""


@dataclass
class StopRequest:
    """A request to stop at the next safe point; the command line makes it on Ctrl-C.

    Attributes:
        requested: whether it was made.
        graceful: whether there is a safe point to wait for; elsewhere an interrupt stops at once.
    """

    requested: bool = False
    graceful: bool = False
