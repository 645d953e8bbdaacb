"""What the user left open, resolved: sizes and length from a time budget, rates from those."""

import math
import time
from dataclasses import dataclass

import torch

from charlm.config import Request, RunConfig
from charlm.models.threads import using_threads
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.train.budget import choose_sizes, fill_budget, sizing_task
from charlm.runs.train.settings import with_default_dropout, with_defaults_of_width, with_settings
from charlm.runs.train.setup import TrainingSetup
from charlm.runs.train.timing import StepTimer, measure_scoring


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


def resolve(request: Request, setup: TrainingSetup, *, started: float) -> Resolved:
    """Returns the configuration with sizes, length, learning rate and dropout set.

    Steps and epochs leave the sizes at their defaults, so that the same command gives the same training on
    every machine. A time budget chooses the sizes that were not asked for by what steps take here.

    Args:
        setup: makes trainers to time; they are thrown away, so that what is then trained depends on the resolved
            configuration alone.
        started: when the command began, by `time.monotonic`; a budget covers all of it.
    """
    if request.config.training.duration.is_budget:
        return _within_budget(request, setup, started=started)
    config = with_defaults_of_width(request.config)
    steps_per_epoch = setup.batches(config).windows_per_epoch
    steps, reason = _steps(config, steps_per_epoch)
    config = with_settings(config, steps=steps, epochs=None, threads=config.run.threads or torch.get_num_threads())
    return Resolved(with_default_dropout(config, epochs=steps / steps_per_epoch), TrainingPlan(length=reason))


def _steps(config: RunConfig, steps_per_epoch: int) -> tuple[int, str]:
    """Returns the number of steps that was asked for, and where it comes from."""
    duration = config.training.duration
    if duration.unit == "steps":
        return int(duration.value), f"{int(duration.value):,} steps, as asked"
    steps = max(1, math.ceil(duration.value * steps_per_epoch))
    return steps, f"{duration.value:g} epochs of {steps_per_epoch:,} steps"


def _within_budget(request: Request, setup: TrainingSetup, *, started: float) -> Resolved:
    config, corpus, budget = request.config, setup.corpus, request.config.training.duration
    deadline = started + budget.value
    timer = StepTimer(setup.build, threads=config.run.threads, device=setup.device, budget_seconds=budget.value)
    chosen = choose_sizes(
        request,
        sizing_task(config, corpus, seconds=deadline - time.monotonic()),
        timer.step_seconds,
        may_go_on=timer.may_go_on,
        width_multiple=128 if setup.device.type == "cuda" else 1,
    )
    trial = setup.build(chosen.config)
    with using_threads(timer.threads):
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
    config = with_settings(
        chosen.config, steps=filled.steps, budget=None, evaluations=filled.evaluations, threads=timer.threads
    )
    config = with_default_dropout(config, epochs=filled.steps / batches.windows_per_epoch)
    plan = TrainingPlan(length=filled.reason, sizes=chosen.reason, seconds=filled.seconds)
    return Resolved(config, plan, filled.warnings)
