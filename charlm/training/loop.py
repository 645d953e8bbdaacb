"""Training from its first step to its last: step, log, evaluate, save, stop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from charlm.errors import NotFiniteError
from charlm.evaluation.score import Score
from charlm.training.state import Progress
from charlm.training.trainer import StepResult, Trainer

Outcome = Literal["finished", "interrupted", "stopped early"]

_LOG_POINTS = 100

SPIKE = 1.3
"""A mean loss this many times the lowest one so far is a spike."""


@dataclass(frozen=True)
class Plan:
    """When things happen.

    Attributes:
        evaluations: how many, evenly spaced; the last one falls on the last step.
        patience: evaluations without improvement that end the training; None never does.
        save_seconds: longest time between two checkpoints.
        seconds: time in which the training has to end, evaluations included; None where only steps count.
        rollbacks: how often a loss spike takes the training back to its last good state.
    """

    evaluations: int
    patience: int | None
    save_seconds: float
    seconds: float | None = None
    rollbacks: int = 0


class Hooks(Protocol):
    """What the loop leaves to others: measuring, writing, telling."""

    def stepped(self, result: StepResult) -> None:
        """Is told of every step."""
        ...

    def validate(self) -> Score | None:
        """Scores the validation text; None when there is none."""
        ...

    def evaluated(self, score: Score | None, *, training_nats: float | None, is_best: bool) -> None:
        """Is told of every evaluation; keeps the weights if they are the best."""
        ...

    def record(self, metrics: dict[str, Any]) -> None:
        """Writes a line of metrics."""
        ...

    def planned_anew(self) -> None:
        """Is told that the training got another number of steps, to end on time."""
        ...

    def save(self) -> None:
        """Writes the state of the training."""
        ...

    def roll_back(self) -> None:
        """Puts trainer and progress back to the last state written, with a lower learning rate."""
        ...

    def stop_requested(self) -> bool:
        """Returns whether to stop after this step."""
        ...


def train(
    trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks, *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Trains until the last step, early stopping, or a request to stop; the state is saved at the end.

    Raises:
        NotFiniteError: losses, gradients or weights are not finite; the state before is kept.
    """
    session = _Session(trainer, plan, progress, hooks, clock)
    while trainer.step < trainer.pace.total_steps:
        try:
            outcome = session.advance()
        except NotFiniteError:
            if not session.may_roll_back():
                raise
            hooks.roll_back()
            continue
        if outcome is not None:
            return outcome
    return "finished"


class _Session:
    """The loop between its start and its end."""

    def __init__(
        self, trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks, clock: Callable[[], float]
    ) -> None:
        self._trainer = trainer
        self._plan = plan
        self._progress = progress
        self._hooks = hooks
        self._clock = clock
        self._started = clock() - progress.seconds
        self._saved = clock()

    def may_roll_back(self) -> bool:
        """Returns whether a rollback was asked for and is left."""
        return len(self._progress.rollbacks) < self._plan.rollbacks

    def advance(self) -> Outcome | None:
        """Takes a step, and does what is due after it; returns how the training has ended, if it has."""
        trainer, plan, progress, hooks = self._trainer, self._plan, self._progress, self._hooks
        trainer.launch_step()
        evaluating = trainer.pace.passes_point(trainer.step, plan.evaluations)
        logging = evaluating or trainer.pace.passes_point(trainer.step, _LOG_POINTS)
        result = _take_note(trainer, progress, hooks, wait=logging)
        stopping = hooks.stop_requested()
        saving = evaluating or stopping or self._clock() - self._saved >= plan.save_seconds
        if saving:
            _take_note(trainer, progress, hooks, wait=True)
        progress.seconds = self._clock() - self._started
        # Before anything of this step is kept.
        if (logging or saving) and _has_spiked(progress) and self.may_roll_back():
            hooks.roll_back()
            return None
        if evaluating:
            score = hooks.validate()
            progress.seconds = self._clock() - self._started
            _note_improvement(progress, score, trainer.step)
            hooks.evaluated(
                score,
                training_nats=_mean(progress.evaluation_nats, progress.evaluation_targets),
                is_best=progress.stale == 0,
            )
            progress.evaluation_nats, progress.evaluation_targets = 0.0, 0
        if logging:
            assert result is not None
            hooks.record(_metrics(trainer, progress, result, score if evaluating else None))
            _note_lowest(progress)
            _keep_time(trainer, plan, progress, hooks)
        if saving:
            hooks.save()
            self._saved = self._clock()
        if evaluating and plan.patience is not None and progress.stale >= plan.patience:
            return "stopped early"
        return "interrupted" if stopping and trainer.step < trainer.pace.total_steps else None


def _has_spiked(progress: Progress) -> bool:
    mean = _mean(progress.log_nats, progress.log_targets)
    return mean is not None and progress.lowest_nats is not None and mean > SPIKE * progress.lowest_nats


def _note_lowest(progress: Progress) -> None:
    mean = _mean(progress.log_nats, progress.log_targets)
    if mean is not None and (progress.lowest_nats is None or mean < progress.lowest_nats):
        progress.lowest_nats = mean
    progress.log_nats, progress.log_targets = 0.0, 0


def _take_note(trainer: Trainer, progress: Progress, hooks: Hooks, *, wait: bool) -> StepResult | None:
    """Tells of the steps whose results are known, of all of them with `wait`; returns the last one's.

    What is written down tells of every step before; only then does the loop wait for the device.
    """
    last = None
    for result in trainer.results(wait=wait):
        _count(progress, result)
        hooks.stepped(result)
        last = result
    return last


def _keep_time(trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks) -> None:
    """Plans the rest of the training anew where it would end too early or too late."""
    if plan.seconds is None:
        return
    total = trainer.pace.total_on_time(trainer.step, elapsed=progress.seconds, seconds=plan.seconds)
    if total is not None:
        trainer.pace.plan_anew(trainer.step, total_steps=total)
        hooks.planned_anew()


def _count(progress: Progress, result: StepResult) -> None:
    progress.targets += result.num_targets
    if not result.skipped:
        progress.log_nats += result.total_nats
        progress.log_targets += result.num_targets
        progress.evaluation_nats += result.total_nats
        progress.evaluation_targets += result.num_targets


def _note_improvement(progress: Progress, score: Score | None, step: int) -> None:
    """Updates the best so far; without validation text the newest weights count as the best."""
    nats = None if score is None else score.nats_per_symbol
    best = math.inf if progress.best_nats is None else progress.best_nats
    if nats is None or nats < best:
        progress.best_nats, progress.best_step, progress.stale = nats, step, 0
    else:
        progress.stale += 1


def _metrics(trainer: Trainer, progress: Progress, result: StepResult, score: Score | None) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "step": trainer.step,
        "epoch": round(trainer.step / trainer.batches.windows_per_epoch, 4),
        "training_nats_per_symbol": _mean(progress.log_nats, progress.log_targets),
        "learning_rate": result.learning_rate,
        "gradient_norm": None if result.skipped else result.gradient_norm,
        "clipped_steps": trainer.num_clipped,
        "skipped_steps": trainer.num_skipped,
        "rollbacks": len(progress.rollbacks),
        "seconds": round(progress.seconds, 3),
    }
    if score is not None:
        metrics["validation"] = score.to_json()
    return metrics


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None
