"""The reports of a run while it works; the command line shows them, the Python API may ignore them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import Protocol

from charlm.evaluation.score import Score


@dataclass(frozen=True)
class LossPoint:
    """A point of the curves of a training: losses in nats per character; None where there is none.

    Attributes:
        step: steps done; `share` of the training, 0 to 1.
        training: mean loss of the network since the point before.
        validation: of the whole model: of the mixture, where n-grams are mixed in.
        network: of the network alone on the validation text, where n-grams are mixed in.
    """

    step: int
    share: float
    training: float | None = None
    validation: float | None = None
    network: float | None = None


@dataclass(frozen=True)
class TrainingSummary:
    """A training before it starts.

    Attributes:
        rows: headings and their values, in order.
        seconds_left: until training ends, its deadline; None where it ends after a number of steps.
        is_mixed: whether n-grams are mixed in; training losses are the network's all the same.
        history: the points of the sessions before, by step.
        unit: what losses are counted by, for people; where it is not characters, one stands for the other in reports.
    """

    run: Path
    rows: tuple[tuple[str, str], ...]
    total_steps: int
    first_step: int = 0
    seconds_left: float | None = None
    is_mixed: bool = False
    history: tuple[LossPoint, ...] = ()
    unit: str = "char"


@dataclass(frozen=True)
class StepReport:
    """One optimizer step.

    Attributes:
        step: steps done, this one included.
        loss: mean nats per character of the network on the step's batch, before the step.
        gradient_norm: norm of the gradient before clipping.
        clipped: share of the steps so far whose gradient was clipped, 0 to 1.
        skipped: steps so far that were not finite and changed no weight.
        characters_per_second: characters trained on per second, smoothed.
        total_steps: steps planned in all; a time budget changes it on the way.
        share: of the training that is done, 0 to 1; it never falls.
    """

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    clipped: float
    skipped: int
    characters_per_second: float
    total_steps: int
    share: float


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation on the validation text; `score` is None when there is none.

    Attributes:
        training_nats_per_character: training loss of the network since the last evaluation.
        is_best: whether it is the best so far.
        sample: a short text drawn from the model.
        network: score of the network alone, where n-grams are mixed in; `score` is the mixture's then.
        evaluated_share: how much of the validation text was read, 0 to 1.
    """

    step: int
    training_nats_per_character: float
    score: Score | None
    is_best: bool
    sample: str
    network: Score | None = None
    evaluated_share: float = 1.0


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

    def status(self, message: str) -> AbstractContextManager[None]:
        """Shows what is done meanwhile, where it can be taken away afterwards."""
        return nullcontext()

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Shows the summary, and keeps the live display open during the training."""
        return nullcontext()

    def step(self, report: StepReport) -> None:
        """Shows a step."""
        return

    def evaluation(self, report: EvaluationReport) -> None:
        """Shows an evaluation."""
        return

    def losses(self, point: LossPoint) -> None:
        """Shows the next point of the curves; after a rollback it lies before the last one."""
        return


class SilentReporter(Reporter):
    """Shows nothing."""


@dataclass
class StopRequest:
    """A request to stop at the next safe point; the command line makes it on Ctrl-C.

    Attributes:
        requested: whether it was made.
        signal: the number of the signal that it was made by.
        graceful: whether there is a safe point to wait for; elsewhere an interrupt stops at once.
        is_pruned: whether a search has given up the training, which then stops as on a request.
    """

    requested: bool = False
    signal: int = SIGINT
    graceful: bool = False
    is_pruned: bool = False
