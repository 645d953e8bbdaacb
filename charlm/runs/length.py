"""The length of a training in optimizer steps, from whichever way it was given."""

import math
import time
from collections.abc import Callable
from itertools import islice

from charlm.config import TrainingConfig, parse_duration
from charlm.data.corpus import EncodedCorpus
from charlm.data.lanes import Batches
from charlm.evaluation.readings import warm_lanes
from charlm.evaluation.scorer import total_nats
from charlm.training.planning import measure_step_seconds, steps_for_budget
from charlm.training.precision import autocast
from charlm.training.trainer import Trainer

DEFAULT_BUDGET = "3m"
MOST_EPOCHS_BY_DEFAULT = 100
FEWEST_STEPS_BY_DEFAULT = 1000


def fix_length(
    settings: TrainingConfig, batches: Batches, corpus: EncodedCorpus, build_trial: Callable[[], Trainer]
) -> tuple[TrainingConfig, str]:
    """Returns the settings with the length as a number of steps, and a sentence on where it comes from.

    Args:
        build_trial: makes a trainer to time; it is thrown away, so that what is then trained depends on
            the number of steps alone and not on how it was found.
    """
    if settings.steps is not None:
        return settings, f"{settings.steps} steps, as asked"
    if settings.epochs is not None:
        steps = max(1, math.ceil(settings.epochs * batches.windows_per_epoch))
        reason = f"{settings.epochs:g} epochs of {batches.windows_per_epoch} steps"
        return settings.model_copy(update={"steps": steps, "epochs": None}), reason
    budget = settings.budget or DEFAULT_BUDGET
    trial = build_trial()
    seconds = parse_duration(budget)
    step_seconds = measure_step_seconds(trial.take_step, limit_seconds=0.03 * seconds)
    steps, evaluations = steps_for_budget(
        budget_seconds=seconds,
        step_seconds=step_seconds,
        evaluation_seconds=_evaluation_seconds(trial, corpus),
        evaluations=settings.evaluations,
    )
    reason = f"what fits in {budget} at {1e3 * step_seconds:.1f} ms a step"
    most = max(MOST_EPOCHS_BY_DEFAULT * batches.windows_per_epoch, FEWEST_STEPS_BY_DEFAULT)
    if settings.budget is None and steps > most:
        steps = most
        reason = f"{steps / batches.windows_per_epoch:.0f} epochs, the most by default on so short a text"
    return settings.model_copy(update={"steps": steps, "budget": None, "evaluations": evaluations}), reason


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
