"""The state of a trainer and its loop without tensors, with bounds that are checked on reading."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from charlm.notation import LONGEST_SECONDS

Count = Annotated[int, Field(ge=0, le=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]


@dataclass(frozen=True)
class Leg:
    """A part of a training between two changes of its number of steps.

    Attributes:
        first_step: steps done before this leg.
        progress: share of the training done before this leg.
        total_steps: planned number of steps of the whole training.
    """

    first_step: Count
    progress: Annotated[float, Field(ge=0, le=1)]
    total_steps: Annotated[int, Field(ge=1, le=1 << 53)]


@dataclass(frozen=True)
class LossScaleState:
    """The factor of a loss scale, and the steps since it last changed."""

    factor: Annotated[float, Field(gt=0, lt=1e38)]
    good_steps: Annotated[int, Field(ge=0, lt=1 << 31)]


@dataclass(frozen=True)
class TriggerState:
    """The evaluations that decide when averaging begins, losses in nats per symbol.

    Attributes:
        lowest: the lowest loss of those that count; None before there is one.
        recent: the losses after those, which do not count yet.
        has_fired: whether averaging has begun.
    """

    lowest: float | None = None
    recent: Annotated[tuple[float, ...], Field(strict=False, max_length=100_000)] = ()
    has_fired: bool = False


@dataclass(frozen=True)
class TrainerState:
    """The state of a trainer, without its tensors.

    Attributes:
        step: optimizer steps done.
        legs: the plans of its number of steps, in order.
        loss_scale: None without loss scaling.
        rate_factor: factor of the learning rate, lowered by rollbacks.
        num_averaged: updates of the weight average; None without one.
        trigger: of a weight average that has one.
    """

    step: Count
    legs: Annotated[tuple[Leg, ...], Field(strict=False, min_length=1, max_length=100_000)]
    loss_scale: LossScaleState | None = None
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    num_clipped: Count = 0
    num_skipped: Count = 0
    num_skipped_in_a_row: Count = 0
    num_averaged: Count | None = None
    trigger: TriggerState | None = None


@dataclass(frozen=True)
class Rollback:
    """A return of a training to an earlier state.

    Attributes:
        rate_factor: factor of the learning rate after it.
    """

    from_step: Count
    to_step: Count
    rate_factor: Annotated[float, Field(gt=0, le=1)]


@dataclass
class Progress:
    """The state of the training loop, without the trainer's.

    Attributes:
        log_nats: summed loss of `log_targets` symbols since the last line of metrics.
        evaluation_nats: summed loss of `evaluation_targets` symbols since the last evaluation.
        targets: symbols trained on so far.
        best_nats: lowest validation loss so far, in nats per symbol.
        charges_unknown: whether `best_nats` includes the nats that say which characters the unknown symbols stand for.
        stale: evaluations since the best one.
        seconds: time spent in the loop, including sessions before a resume.
        lowest_nats: lowest mean loss between two lines of metrics, in nats per symbol.
        rollbacks: returns to earlier states, in order.
    """

    log_nats: float = 0.0
    log_targets: Count = 0
    evaluation_nats: float = 0.0
    evaluation_targets: Count = 0
    targets: Count = 0
    best_nats: float | None = None
    charges_unknown: bool = True
    best_step: Count | None = None
    stale: Count = 0
    seconds: Seconds = 0.0
    lowest_nats: float | None = None
    rollbacks: list[Rollback] = field(default_factory=list)
