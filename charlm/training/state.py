"""What a trainer and its loop keep beside tensors, with the bounds that are checked when it is read again."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from charlm.notation import LONGEST_SECONDS

Count = Annotated[int, Field(ge=0, le=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]


@dataclass(frozen=True)
class Leg:
    """A stretch of a training that was planned at once.

    Attributes:
        first_step: steps done before it.
        progress: share of the training done before it.
        total_steps: steps that the training has in all by this plan.
    """

    first_step: Count
    progress: Annotated[float, Field(ge=0, le=1)]
    total_steps: Annotated[int, Field(ge=1, le=1 << 53)]


@dataclass(frozen=True)
class LossScaleState:
    """A loss scale's factor, and the steps since it last changed."""

    factor: Annotated[float, Field(gt=0, lt=1e38)]
    good_steps: Annotated[int, Field(ge=0, lt=1 << 31)]


@dataclass(frozen=True)
class TrainerState:
    """All that a trainer keeps beside its tensors.

    Attributes:
        step: optimizer steps done.
        legs: how its length was planned.
        loss_scale: None where losses are not scaled.
        rate_factor: what the learning rate is multiplied by.
        num_averaged: updates of the average; None without one.
    """

    step: Count
    legs: Annotated[tuple[Leg, ...], Field(strict=False, min_length=1, max_length=100_000)]
    loss_scale: LossScaleState | None = None
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    num_clipped: Count = 0
    num_skipped: Count = 0
    num_skipped_in_a_row: Count = 0
    num_averaged: Count | None = None


@dataclass(frozen=True)
class Rollback:
    """A return to an earlier state.

    Attributes:
        rate_factor: what the learning rate is multiplied by since.
    """

    from_step: Count
    to_step: Count
    rate_factor: Annotated[float, Field(gt=0, le=1)]


@dataclass
class Progress:
    """What the loop keeps beside the trainer's state.

    Attributes:
        log_nats: loss summed since the last line of metrics, over `log_targets` symbols.
        evaluation_nats: the same since the last evaluation.
        targets: symbols trained on in all.
        best_nats: lowest validation loss so far, in nats per symbol.
        stale: evaluations since then.
        seconds: time spent in the loop, over all sessions.
        lowest_nats: lowest mean loss between two lines of metrics, in nats per symbol.
        rollbacks: returns to earlier states, in order.
    """

    log_nats: float = 0.0
    log_targets: Count = 0
    evaluation_nats: float = 0.0
    evaluation_targets: Count = 0
    targets: Count = 0
    best_nats: float | None = None
    best_step: Count | None = None
    stale: Count = 0
    seconds: Seconds = 0.0
    lowest_nats: float | None = None
    rollbacks: list[Rollback] = field(default_factory=list)
