"""The length of a training in optimizer steps, from whichever way it was given."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch

from charlm.config import TrainingConfig, parse_duration
from charlm.data.corpus import EncodedCorpus
from charlm.data.lanes import Batches
from charlm.evaluation.readings import warm_lanes
from charlm.evaluation.scorer import total_nats
from charlm.models.threads import using_threads
from charlm.training.planning import choose_threads, measure_steps, steps_for_budget
from charlm.training.precision import autocast
from charlm.training.trainer import Trainer

DEFAULT_BUDGET = "3m"
MOST_EPOCHS_BY_DEFAULT = 40
FEWEST_STEPS_BY_DEFAULT = 500
_SHARE_FOR_MEASURING = 0.02


@dataclass(frozen=True)
class Length:
    """How long to train, settled.

    Attributes:
        settings: the settings with the length as a number of steps.
        threads: CPU threads to train with.
        reason: where the number of steps comes from, for people.
        warning: a sentence if evaluations take much of the time.
    """

    settings: TrainingConfig
    threads: int
    reason: str
    warning: str | None = None


def fix_length(
    settings: TrainingConfig,
    batches: Batches,
    corpus: EncodedCorpus,
    build_trial: Callable[[], Trainer],
    *,
    threads: int | None,
) -> Length:
    """Returns the length of a training as a number of steps; a time budget is measured against this machine.

    Args:
        build_trial: makes a trainer to time; it is thrown away, so that what is then trained depends on
            the number of steps alone and not on how it was found.
        threads: CPU threads, if that is settled already.
    """
    if settings.steps is not None:
        return Length(settings, threads or torch.get_num_threads(), f"{settings.steps:,} steps, as asked")
    if settings.epochs is not None:
        steps = max(1, math.ceil(settings.epochs * batches.windows_per_epoch))
        reason = f"{settings.epochs:g} epochs of {batches.windows_per_epoch:,} steps"
        settings = settings.model_copy(update={"steps": steps, "epochs": None})
        return Length(settings, threads or torch.get_num_threads(), reason)
    budget = settings.budget or DEFAULT_BUDGET
    seconds = parse_duration(budget)
    trial = build_trial()
    threads, step_seconds = _measure(trial, seconds, threads)
    with using_threads(threads):
        evaluation_seconds = _evaluation_seconds(trial, corpus)
    steps, evaluations = steps_for_budget(
        budget_seconds=seconds,
        step_seconds=step_seconds,
        evaluation_seconds=evaluation_seconds,
        evaluations=settings.evaluations,
    )
    reason = f"what fits in {budget} at {1e3 * step_seconds:.1f} ms a step"
    most = max(MOST_EPOCHS_BY_DEFAULT * batches.windows_per_epoch, FEWEST_STEPS_BY_DEFAULT)
    if settings.budget is None and steps > most:
        steps = most
        reason = f"{steps / batches.windows_per_epoch:.0f} epochs, the most by default on so short a text"
    settings = settings.model_copy(update={"steps": steps, "budget": None, "evaluations": evaluations})
    warning = None
    if evaluation_seconds > 0.2 * seconds:
        warning = (
            f"Scoring the validation text takes about {evaluation_seconds:.0f} s, much of the {budget} there are; "
            "a smaller part for it, as with --split 99/0.5/0.5, leaves more for training."
        )
    return Length(settings, threads, reason, warning)


def _measure(trial: Trainer, budget_seconds: float, threads: int | None) -> tuple[int, float]:
    if threads is not None:
        candidates = {threads}
    elif trial.device.type == "cpu":
        candidates = {1, torch.get_num_threads()}
    else:
        candidates = {torch.get_num_threads()}
    times = {}
    for candidate in sorted(candidates):
        with using_threads(candidate):
            times[candidate] = measure_steps(trial.take_step, limit_seconds=_SHARE_FOR_MEASURING * budget_seconds)
    return choose_threads(times)


def _evaluation_seconds(trial: Trainer, corpus: EncodedCorpus) -> float:
    """Returns about how long one evaluation on the validation text takes."""
    if corpus.valid is None:
        return 0.0
    tokens = corpus.valid.tokens
    num_lanes, length, num_windows = 64, 128, 4
    windows = list(islice(warm_lanes(tokens, num_lanes=num_lanes, warmup=0, length=length), num_windows))
    trial.model.eval()
    started = time.perf_counter()
    with autocast(trial.precision, trial.device):
        total_nats(trial.model, windows, device=trial.device)
    scored = sum(window.inputs.numel() for window in windows)
    return (time.perf_counter() - started) * len(tokens) / scored
