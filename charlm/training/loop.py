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
    """When things happen.

    Attributes:
        evaluations: how many, evenly spaced; the last one falls on the last step.
        patience: evaluations without improvement that end the training; None never does.
        save_seconds: longest time between two checkpoints.
        seconds: time in which the training has to end, evaluations included; None where only steps count.
    """

    evaluations: int
    patience: int | None
    save_seconds: float
    seconds: float | None = None


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

    def planned_anew(self) -> None:
        """Is told that the training got another number of steps, to end on time."""
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
    """Trains until the last step, early stopping, or a request to stop; the state is saved at the end."""
    pace = trainer.pace
    started = clock() - progress.seconds
    saved = clock()
    while trainer.step < pace.total_steps:
        trainer.launch_step()
        evaluating = pace.passes_point(trainer.step, plan.evaluations)
        logging = evaluating or pace.passes_point(trainer.step, _LOG_POINTS)
        result = _take_note(trainer, progress, hooks, wait=logging)
        progress.seconds = clock() - started
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
        if logging:
            assert result is not None
            hooks.record(_metrics(trainer, progress, result, score if evaluating else None))
            progress.log_nats, progress.log_targets = 0.0, 0
            _keep_time(trainer, plan, progress, hooks)
        stopping = hooks.stop_requested()
        patience_lost = evaluating and plan.patience is not None and progress.stale >= plan.patience
        if evaluating or stopping or clock() - saved >= plan.save_seconds:
            _take_note(trainer, progress, hooks, wait=True)
            hooks.save()
            saved = clock()
        if patience_lost:
            return "stopped early"
        if stopping and trainer.step < pace.total_steps:
            return "interrupted"
    return "finished"


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
        "seconds": round(progress.seconds, 3),
    }
    if score is not None:
        metrics["validation"] = score.to_json()
    return metrics


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None
