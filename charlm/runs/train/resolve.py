"""What the user left open, resolved: sizes and length from a time budget, rates from those."""

import math

import torch

from charlm.config import Request, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.models.lane_groups import usual_groups
from charlm.models.threads import using_threads
from charlm.notation import counted
from charlm.runs.reporting import Reporter
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.train.budget import choose_sizes, fill_budget, most_epochs, sizing_task
from charlm.runs.train.settings import with_default_dropout, with_defaults_of_width, with_lane_groups, with_settings
from charlm.runs.train.setup import TrainingSetup
from charlm.runs.train.timing import StepTimer, measure_scoring
from charlm.training.trainer import Trainer


def resolve(
    request: Request, corpus: EncodedCorpus, setup: TrainingSetup, reporter: Reporter, *, started: float
) -> tuple[RunConfig, TrainingPlan]:
    """Returns the configuration with nothing left open, and why it is as long, and its model as large, as it is.

    Steps and epochs leave the sizes at their defaults, so that the same command gives the same training on
    every machine. A time budget chooses the sizes that were not asked for by what steps take here.

    Args:
        setup: makes trainers to time; they are thrown away, so that what is then trained depends on the resolved
            configuration alone.
        started: when the command began, by the world's clock; a budget covers all of it.
    """
    duration = request.config.training.duration
    if duration.is_budget:
        return _within_budget(request, corpus, setup, reporter, started=started)
    # Groups are not part of what a GPU computes side by side: it has as many as there are processes.
    is_cpu, processes = setup.device.type == "cpu", setup.world.size
    groups = usual_groups(request.config.training.batch_size) if is_cpu else processes
    config = with_defaults_of_width(request.config)
    config = with_lane_groups(config, groups)
    batches = setup.batches(config)
    steps_per_epoch = batches.windows_per_epoch
    if duration.unit == "steps":
        steps, reason = int(duration.value), f"{counted(int(duration.value), 'step')}, as asked"
    else:
        steps = max(1, math.ceil(duration.value * steps_per_epoch))
        reason = f"{counted(duration.value, 'epoch')} of {counted(steps_per_epoch, 'step')}"
    config = with_settings(config, steps=steps, epochs=None, threads=config.run.threads or torch.get_num_threads())
    config = with_default_dropout(config, epochs=steps / steps_per_epoch, symbols=batches.targets_per_epoch)
    return config, TrainingPlan(length=reason)


def _within_budget(
    request: Request, corpus: EncodedCorpus, setup: TrainingSetup, reporter: Reporter, *, started: float
) -> tuple[RunConfig, TrainingPlan]:
    config, budget, world = request.config, request.config.training.duration, setup.world
    deadline = started + budget.value
    is_cpu = setup.device.type == "cpu"
    threads = int(world.of_first(config.run.threads or torch.get_num_threads()))
    groups = (threads if is_cpu else 1) * world.size

    may_share = "lane_groups" not in request.asked

    def build(config: RunConfig) -> Trainer:
        return setup.build(with_lane_groups(config, groups), may_share=may_share)

    timer = StepTimer(build, budget_seconds=budget.value, clock=world.clock)
    with using_threads(threads), reporter.status("timing steps on this machine"):
        chosen = choose_sizes(
            request,
            sizing_task(config, corpus, seconds=deadline - world.clock()),
            timer.step_seconds,
            may_go_on=timer.may_go_on,
            width_multiple=1 if is_cpu else 128,
        )
        before = world.clock()
        trial = build(chosen.config)
        building = world.clock() - before
        costs = measure_scoring(trial, corpus)
    batches = trial.batches
    # The training that is not thrown away is still to be built.
    left = deadline - world.clock() - building
    symbols = left / chosen.step_seconds * batches.targets_per_epoch / batches.windows_per_epoch
    ending = costs.of_finishing(corpus, trained_on=symbols)
    filled = fill_budget(
        budget,
        left=left - ending,
        step_seconds=chosen.step_seconds,
        costs=costs,
        evaluations=config.training.evaluations,
        steps_per_epoch=batches.windows_per_epoch,
        asked=request.asked,
        most_epochs=most_epochs(config),
        evaluated_symbols=0 if corpus.valid is None else len(corpus.valid.tokens),
    )
    division = filled.division
    config = with_lane_groups(chosen.config, groups)
    config = with_settings(config, steps=division.steps, budget=None, evaluations=division.evaluations, threads=threads)
    for warning in filled.warnings:
        reporter.warn(warning)
    plan = TrainingPlan(
        length=filled.reason,
        sizes=chosen.reason,
        seconds=filled.seconds,
        most_steps=filled.most_steps,
        ending_seconds=ending,
        may_share=may_share,
        evaluation_seconds=division.evaluation_seconds,
        evaluated_share=division.share if corpus.tokenizer.begin is None else 1.0,
    )
    epochs = division.steps / batches.windows_per_epoch
    return with_default_dropout(config, epochs=epochs, symbols=batches.targets_per_epoch), plan
