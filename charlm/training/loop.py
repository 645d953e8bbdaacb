"""The training loop: step, log, evaluate, save, stop."""

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
"""A mean loss of more than this many times the lowest one so far is a spike."""


@dataclass(frozen=True)
class Plan:
    """The schedule of evaluations, checkpoints and the end of a training.

    Attributes:
        evaluations: number of evaluations, evenly spaced; the last one is at the last step.
        patience: number of evaluations without improvement after which the training ends; None for no limit.
        save_seconds: longest time between two checkpoints.
        seconds: time budget of the training, evaluations included; None without one.
        rollbacks: number of times that a loss spike may return the training to its last saved state.
    """

    evaluations: int
    patience: int | None
    save_seconds: float
    seconds: float | None = None
    rollbacks: int = 0


class Hooks(Protocol):
    """The caller's part of the loop: scoring, writing files and reporting."""

    def after_step(self, result: StepResult) -> None:
        """Handles the result of a step."""
        ...

    def validate(self) -> Score | None:
        """Returns the score of the validation text; None without such a text."""
        ...

    def after_evaluation(self, score: Score | None, *, training_nats: float | None, is_best: bool) -> None:
        """Handles an evaluation; saves the weights if they are the best so far."""
        ...

    def record(self, metrics: dict[str, Any]) -> None:
        """Writes a line of metrics."""
        ...

    def after_replanning(self) -> None:
        """Handles a new number of steps, with which the training ends on time."""
        ...

    def save(self) -> None:
        """Saves the state of the training."""
        ...

    def roll_back(self) -> None:
        """Restores trainer and progress from the last saved state, with a lower learning rate."""
        ...

    def stop_requested(self) -> bool:
        """Returns whether to stop after this step."""
        ...


def train(
    trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks, *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Trains until the last step, early stopping, or a request to stop; saves the state at the end.

    Raises:
        NotFiniteError: losses, gradients or weights are not finite; the last saved state remains.
    """
    loop = _Loop(trainer, plan, progress, hooks, clock)
    if plan.patience is not None and progress.stale >= plan.patience:
        return "stopped early"
    while trainer.step < trainer.pace.total_steps:
        try:
            outcome = loop.advance()
        except NotFiniteError:
            if not loop.can_roll_back():
                raise
            hooks.roll_back()
            continue
        if outcome is not None:
            return outcome
    return "finished"


class _Loop:
    """One call of `train`: its arguments, and the times of its start and its last checkpoint."""

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

    def can_roll_back(self) -> bool:
        """Returns whether the plan allows another rollback."""
        return len(self._progress.rollbacks) < self._plan.rollbacks

    def advance(self) -> Outcome | None:
        """Takes one step, and evaluates, logs and saves if due; returns the outcome if the training has ended."""
        trainer, plan, progress, hooks = self._trainer, self._plan, self._progress, self._hooks
        trainer.launch_step()
        evaluating = trainer.pace.passes_point(trainer.step, plan.evaluations)
        logging = evaluating or trainer.pace.passes_point(trainer.step, _LOG_POINTS)
        result = _collect_results(trainer, progress, hooks, wait=logging)
        stopping = hooks.stop_requested()
        saving = evaluating or stopping or self._clock() - self._saved >= plan.save_seconds
        if saving:
            _collect_results(trainer, progress, hooks, wait=True)
        progress.seconds = self._clock() - self._started
        # First of all, so that nothing of a spike is saved.
        if (logging or saving) and _has_spiked(progress) and self.can_roll_back():
            hooks.roll_back()
            return None
        if evaluating:
            score = hooks.validate()
            progress.seconds = self._clock() - self._started
            _update_best(progress, score, trainer.step)
            hooks.after_evaluation(
                score,
                training_nats=_mean(progress.evaluation_nats, progress.evaluation_targets),
                is_best=progress.stale == 0,
            )
            progress.evaluation_nats, progress.evaluation_targets = 0.0, 0
        if logging:
            assert result is not None
            hooks.record(_metrics(trainer, progress, result, score if evaluating else None))
            _update_lowest(progress)
            _replan_if_needed(trainer, plan, progress, hooks)
        if saving:
            hooks.save()
            self._saved = self._clock()
        if evaluating and plan.patience is not None and progress.stale >= plan.patience:
            return "stopped early"
        return "interrupted" if stopping and trainer.step < trainer.pace.total_steps else None


def _has_spiked(progress: Progress) -> bool:
    mean = _mean(progress.log_nats, progress.log_targets)
    return mean is not None and progress.lowest_nats is not None and mean > SPIKE * progress.lowest_nats


def _update_lowest(progress: Progress) -> None:
    mean = _mean(progress.log_nats, progress.log_targets)
    if mean is not None and (progress.lowest_nats is None or mean < progress.lowest_nats):
        progress.lowest_nats = mean
    progress.log_nats, progress.log_targets = 0.0, 0


def _collect_results(trainer: Trainer, progress: Progress, hooks: Hooks, *, wait: bool) -> StepResult | None:
    """Counts the results that have arrived, or all results with `wait`; returns the last one.

    The loop waits for the device only before it logs or saves, as both need the results of all steps.
    """
    last = None
    for result in trainer.results(wait=wait):
        _count(progress, result)
        hooks.after_step(result)
        last = result
    return last


def _replan_if_needed(trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks) -> None:
    """Changes the number of steps if the training would end too early or too late."""
    if plan.seconds is None:
        return
    total = trainer.pace.total_on_time(trainer.step, elapsed=progress.seconds, seconds=plan.seconds)
    if total is not None:
        trainer.pace.replan(trainer.step, total_steps=total)
        hooks.after_replanning()


def _count(progress: Progress, result: StepResult) -> None:
    progress.targets += result.num_targets
    if not result.skipped:
        progress.log_nats += result.total_nats
        progress.log_targets += result.num_targets
        progress.evaluation_nats += result.total_nats
        progress.evaluation_targets += result.num_targets


def _update_best(progress: Progress, score: Score | None, step: int) -> None:
    """Updates the best validation loss; without validation text the newest weights are the best."""
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
