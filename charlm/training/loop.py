"""The training loop: step, log, evaluate, save, stop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from charlm.errors import NotFiniteError
from charlm.evaluation.score import Score
from charlm.training.deadline import Deadline
from charlm.training.sharing import SLOWEST_STEP
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
        evaluation_seconds: what an evaluation is thought to take, until one has been timed.
        most_steps: with which the training ends although the budget has time for more; None for no such number.
        ending_seconds: what follows the training, if nothing disturbs it.
        rollbacks: number of times that a loss spike may return the training to its last saved state.
    """

    evaluations: int
    patience: int | None
    save_seconds: float
    seconds: float | None = None
    evaluation_seconds: float = 0.0
    most_steps: int | None = None
    ending_seconds: float = 0.0
    rollbacks: int = 0


class Hooks(Protocol):
    """The caller's part of the loop: scoring, writing files and reporting."""

    def after_step(self, result: StepResult) -> None:
        """Handles the result of a step."""

    def validate(self) -> Score | None:
        """Returns the score of the validation text; None without such a text."""

    def after_evaluation(self, score: Score | None, *, training_nats: float | None, is_best: bool) -> None:
        """Handles an evaluation; saves the weights if they are the best so far."""

    def record(self, metrics: dict[str, Any]) -> None:
        """Writes a line of metrics."""

    def save(self) -> None:
        """Saves the state of the training."""

    def roll_back(self) -> None:
        """Restores trainer and progress from the last saved state, with a lower learning rate."""

    def stop_requested(self) -> bool:
        """Returns whether to stop after this step."""


def train(
    trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks, *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Trains until the last step, early stopping, or a request to stop; saves the state at the end.

    Raises:
        NotFiniteError: losses, gradients or weights are not finite; the last saved state remains.
    """
    loop = _Loop(trainer, plan, progress, hooks, clock)
    if loop.is_out_of_patience():
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


@dataclass
class _Loop:
    """One call of `train`: its arguments, and the times of its start and its last checkpoint."""

    trainer: Trainer
    plan: Plan
    progress: Progress
    hooks: Hooks
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.started = self.clock() - self.progress.seconds
        self.saved = self.clock()
        self.deadline = Deadline(
            math.inf if self.plan.seconds is None else self.plan.seconds,
            evaluation_seconds=self.plan.evaluation_seconds,
            most_steps=self.plan.most_steps,
            ending_seconds=self.plan.ending_seconds,
        )
        self.deadline.resume(self.trainer.step, elapsed=self.progress.seconds)

    def _has_time_for(self, seconds: float) -> bool:
        return self.plan.seconds is not None and self.plan.seconds - self.progress.seconds > seconds

    def is_out_of_patience(self) -> bool:
        """Returns whether too many evaluations were no improvement."""
        return self.plan.patience is not None and self.progress.stale >= self.plan.patience

    def can_roll_back(self) -> bool:
        """Returns whether the plan allows another rollback."""
        return len(self.progress.rollbacks) < self.plan.rollbacks

    def advance(self) -> Outcome | None:
        """Takes one step, and evaluates, logs and saves if due; returns the outcome if the training has ended."""
        trainer, hooks = self.trainer, self.hooks
        trainer.launch_step(may_share=self._has_time_for(SLOWEST_STEP))
        evaluating = trainer.pace.passes_point(trainer.step, self.plan.evaluations)
        logging = evaluating or trainer.pace.passes_point(trainer.step, _LOG_POINTS)
        result = self._collect_results(wait=logging)
        stopping, now = hooks.stop_requested(), self.clock()
        saving = evaluating or stopping or now - self.saved >= self.plan.save_seconds
        if saving:
            self._collect_results(wait=True)
        self.progress.seconds = now - self.started
        # First of all, so that nothing of a spike is saved.
        if (logging or saving) and self._has_spiked() and self.can_roll_back():
            hooks.roll_back()
            return None
        if logging:
            self.deadline.after_steps(trainer.step, elapsed=self.progress.seconds)
        score = self._evaluate() if evaluating else None
        if logging:
            assert result is not None
            self._log(result, score)
        if saving:
            hooks.save()
            self.saved = self.clock()
        if evaluating:
            self.deadline.after_evaluation(elapsed=self.clock() - self.started)
        if logging and self.plan.seconds is not None:
            self._replan()
        if evaluating and self.is_out_of_patience():
            return "stopped early"
        return "interrupted" if stopping and trainer.step < trainer.pace.total_steps else None

    def _collect_results(self, *, wait: bool) -> StepResult | None:
        """Counts the results that have arrived, or all results with `wait`; returns the last one.

        The loop waits for the device only before it logs or saves, as both need the results of all steps.
        """
        progress, last = self.progress, None
        for last in self.trainer.results(wait=wait):
            progress.targets += last.num_targets
            if not last.skipped:
                progress.log_nats += last.total_nats
                progress.log_targets += last.num_targets
                progress.evaluation_nats += last.total_nats
                progress.evaluation_targets += last.num_targets
            self.hooks.after_step(last)
        return last

    def _has_spiked(self) -> bool:
        lowest, mean = self.progress.lowest_nats, _mean(self.progress.log_nats, self.progress.log_targets)
        return mean is not None and lowest is not None and mean > SPIKE * lowest

    def _evaluate(self) -> Score | None:
        """Evaluates; without validation text the newest weights are the best."""
        progress = self.progress
        score = self.hooks.validate()
        progress.seconds = self.clock() - self.started
        nats = None if score is None else score.nats_per_symbol
        best = math.inf if progress.best_nats is None else progress.best_nats
        if nats is None or nats < best:
            progress.best_nats, progress.best_step, progress.stale = nats, self.trainer.step, 0
        else:
            progress.stale += 1
        training_nats = _mean(progress.evaluation_nats, progress.evaluation_targets)
        if nats is not None and self.trainer.average is not None:
            self.trainer.average.after_evaluation(self.trainer.model, nats)
        self.hooks.after_evaluation(score, training_nats=training_nats, is_best=progress.stale == 0)
        progress.evaluation_nats, progress.evaluation_targets = 0.0, 0
        return score

    def _log(self, result: StepResult, score: Score | None) -> None:
        trainer, progress = self.trainer, self.progress
        mean = _mean(progress.log_nats, progress.log_targets)
        metrics: dict[str, Any] = {
            "step": trainer.step,
            "epoch": round(trainer.step / trainer.batches.windows_per_epoch, 4),
            "training_nats_per_symbol": mean,
            "learning_rate": result.learning_rate,
            "gradient_norm": None if result.skipped else result.gradient_norm,
            "clipped_steps": trainer.num_clipped,
            "skipped_steps": trainer.num_skipped,
            "rollbacks": len(progress.rollbacks),
            "seconds": round(progress.seconds, 3),
        }
        if trainer.sharing is not None:
            metrics["shared_steps"] = trainer.sharing.num_steps
        if score is not None:
            metrics["validation"] = score.to_json()
        self.hooks.record(metrics)
        if mean is not None and (progress.lowest_nats is None or mean < progress.lowest_nats):
            progress.lowest_nats = mean
        progress.log_nats, progress.log_targets = 0.0, 0

    def _replan(self) -> None:
        """Changes the number of steps if the training would end too early or too late."""
        step, pace = self.trainer.step, self.trainer.pace
        if step >= pace.total_steps:
            return
        total = self.deadline.total_steps(
            step,
            planned=pace.total_steps,
            evaluations_left=self.plan.evaluations - pace.points(step, self.plan.evaluations),
            elapsed=self.clock() - self.started,
        )
        if total != pace.total_steps:
            pace.replan(step, total_steps=total)


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None
