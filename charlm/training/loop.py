"""Training from its first step to its last: step, log, evaluate, save, stop."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from charlm.evaluation.score import Score
from charlm.training.trainer import StepResult, Trainer

Outcome = Literal["finished", "interrupted", "stopped early"]

_LOG_POINTS = 100


@dataclass(frozen=True)
class Plan:
    """When things happen, as pure functions of the step (but for saving, which changes nothing).

    Attributes:
        evaluations: how many, evenly spaced; the last one falls on the last step.
        patience: evaluations without improvement that end the training; None never does.
        save_seconds: longest time between two checkpoints.
    """

    total_steps: int
    evaluations: int
    patience: int | None
    save_seconds: float

    def evaluates_after(self, step: int) -> bool:
        """Returns whether an evaluation follows the first `step` steps."""
        return _is_point(step, self.evaluations, self.total_steps)

    def logs_after(self, step: int) -> bool:
        """Returns whether a line of metrics follows the first `step` steps."""
        return _is_point(step, max(_LOG_POINTS, self.evaluations), self.total_steps) or self.evaluates_after(step)


def _is_point(step: int, points: int, total: int) -> bool:
    return step * points // total > (step - 1) * points // total


@dataclass
class Progress:
    """What the loop keeps beside the trainer's state; stored with it.

    Attributes:
        log_nats: loss summed since the last line of metrics, over `log_targets` symbols.
        evaluation_nats: the same since the last evaluation.
        targets: symbols trained on in all.
        best_nats: lowest validation loss so far, in nats per symbol.
        stale: evaluations since then.
        seconds: time spent in the loop, over all sessions.
    """

    log_nats: float = 0.0
    log_targets: int = 0
    evaluation_nats: float = 0.0
    evaluation_targets: int = 0
    targets: int = 0
    best_nats: float | None = None
    best_step: int | None = None
    stale: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as JSON values; `Progress(**values)` takes them back."""
        return asdict(self)


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

    def save(self) -> None:
        """Writes the state of the training."""
        ...

    def stop_requested(self) -> bool:
        """Returns whether to stop after this step."""
        ...


def train(
    trainer: Trainer, plan: Plan, progress: Progress, hooks: Hooks, *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Trains until the plan's last step, early stopping, or a request to stop; the state is saved at the end."""
    started = clock() - progress.seconds
    saved = clock()
    while trainer.step < plan.total_steps:
        result = trainer.take_step()
        _count(progress, result)
        progress.seconds = clock() - started
        hooks.stepped(result)
        evaluating = plan.evaluates_after(trainer.step)
        if evaluating:
            score = hooks.validate()
            progress.seconds = clock() - started
            _note_improvement(progress, score, trainer.step)
            hooks.evaluated(
                score,
                training_nats=_mean(progress.evaluation_nats, progress.evaluation_targets),
                is_best=progress.stale == 0,
            )
            progress.evaluation_nats, progress.evaluation_targets = 0.0, 0
        if plan.logs_after(trainer.step):
            hooks.record(_metrics(trainer, progress, result, score if evaluating else None))
            progress.log_nats, progress.log_targets = 0.0, 0
        stopping = hooks.stop_requested()
        patience_lost = evaluating and plan.patience is not None and progress.stale >= plan.patience
        if evaluating or stopping or clock() - saved >= plan.save_seconds:
            hooks.save()
            saved = clock()
        if patience_lost:
            return "stopped early"
        if stopping and trainer.step < plan.total_steps:
            return "interrupted"
    return "finished"


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
        "seconds": round(progress.seconds, 3),
    }
    if score is not None:
        metrics["validation"] = score.to_json()
    return metrics


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None
