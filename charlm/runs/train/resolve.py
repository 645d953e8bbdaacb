"""What the user left open, resolved: sizes and length from a time budget, rates from those."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from charlm.config import Request, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.models.lane_groups import usual_groups
from charlm.models.threads import using_threads
from charlm.runs.device import resolve_device
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.train.budget import choose_sizes, fill_budget, sizing_task
from charlm.runs.train.defaults import with_default_dropout, with_defaults_of_width
from charlm.runs.train.timing import StepTimer, measure_scoring
from charlm.training.trainer import Trainer


@dataclass(frozen=True)
class Resolved:
    """A configuration in which nothing is open.

    Attributes:
        config: sizes, steps, learning rate, dropout and threads are all set.
        plan: why it is as long, and its model as large, as it is.
        warnings: sentences that should not be missed.
    """

    config: RunConfig
    plan: TrainingPlan
    warnings: tuple[str, ...] = ()

    @property
    def total_steps(self) -> int:
        """Steps that the training has in all."""
        assert self.config.training.steps is not None
        return self.config.training.steps


def resolve(
    request: Request, corpus: EncodedCorpus, build_trial: Callable[[RunConfig], Trainer], *, started: float
) -> Resolved:
    """Returns the configuration with sizes, length, learning rate and dropout set.

    Steps and epochs leave the sizes at their defaults, so that the same command gives the same training on
    every machine. A time budget chooses the sizes that were not asked for by what steps take here.

    Args:
        build_trial: makes a trainer to time; it is thrown away, so that what is then trained depends on the
            resolved configuration alone.
        started: when the command began, by `time.monotonic`; a budget covers all of it.
    """
    if request.config.training.duration.is_budget:
        return _within_budget(request, corpus, build_trial, started=started)
    config = with_defaults_of_width(request.config)
    groups = 1 if resolve_device(config.run.device).type != "cpu" else usual_groups(config.training.batch_size)
    config = _with_lane_groups(config, groups)
    steps_per_epoch = build_trial(config).batches.windows_per_epoch
    steps, reason = _steps(config, steps_per_epoch)
    config = _with_length(config, steps=steps, threads=config.run.threads or torch.get_num_threads())
    return Resolved(with_default_dropout(config, epochs=steps / steps_per_epoch), TrainingPlan(length=reason))


def _steps(config: RunConfig, steps_per_epoch: int) -> tuple[int, str]:
    """Returns the number of steps that was asked for, and where it comes from."""
    duration = config.training.duration
    if duration.unit == "steps":
        return int(duration.value), f"{int(duration.value):,} steps, as asked"
    steps = max(1, math.ceil(duration.value * steps_per_epoch))
    return steps, f"{duration.value:g} epochs of {steps_per_epoch:,} steps"


def _within_budget(
    request: Request, corpus: EncodedCorpus, build_trial: Callable[[RunConfig], Trainer], *, started: float
) -> Resolved:
    config, budget = request.config, request.config.training.duration
    deadline = started + budget.value
    device = resolve_device(config.run.device)
    threads = config.run.threads or torch.get_num_threads()
    groups = 1 if device.type != "cpu" else threads
    timer = StepTimer(lambda config: build_trial(_with_lane_groups(config, groups)), budget_seconds=budget.value)
    with using_threads(threads):
        chosen = choose_sizes(
            request,
            sizing_task(config, corpus, seconds=deadline - time.monotonic()),
            timer.step_seconds,
            may_go_on=timer.may_go_on,
            width_multiple=128 if device.type == "cuda" else 1,
        )
        trial = build_trial(_with_lane_groups(chosen.config, groups))
        costs = measure_scoring(trial, corpus)
    batches = trial.batches
    left = deadline - time.monotonic()
    symbols = left / chosen.step_seconds * batches.targets_per_epoch / batches.windows_per_epoch
    filled = fill_budget(
        budget,
        left=left - costs.of_finishing(corpus, trained_on=symbols),
        step_seconds=chosen.step_seconds,
        evaluation_seconds=costs.evaluation,
        evaluations=config.training.evaluations,
        steps_per_epoch=batches.windows_per_epoch,
        was_asked=config.training.budget is not None,
    )
    config = _with_length(
        _with_lane_groups(chosen.config, groups), steps=filled.steps, threads=threads, evaluations=filled.evaluations
    )
    config = with_default_dropout(config, epochs=filled.steps / batches.windows_per_epoch)
    plan = TrainingPlan(length=filled.reason, sizes=chosen.reason, seconds=filled.seconds)
    return Resolved(config, plan, filled.warnings)


def _with_lane_groups(config: RunConfig, groups: int) -> RunConfig:
    """Returns the configuration with a number of lane groups, unless it has one."""
    training = config.training
    groups = min(training.lane_groups or groups, training.batch_size)
    return config.model_copy(update={"training": training.model_copy(update={"lane_groups": groups})})


def _with_length(config: RunConfig, *, steps: int, threads: int, evaluations: int | None = None) -> RunConfig:
    training = config.training.with_steps(steps)
    if evaluations is not None:
        training = training.model_copy(update={"evaluations": evaluations})
    run = config.run.model_copy(update={"threads": threads})
    return config.model_copy(update={"training": training, "run": run})
