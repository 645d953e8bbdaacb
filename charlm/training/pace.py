"""The progress of a training at each step, also when its number of steps changes on the way, and the learning rate."""

import math

from charlm.training.state import Leg

_MOSTLY_DONE = 0.7
"""Share of a schedule after which the learning rate is low: a fifth of the highest."""


class Pace:
    """The share of the training that is done at each step, from 0 to 1; schedules are functions of it.

    Without a time budget there is one leg, and progress is `step / total_steps`. A training with a time budget that
    is faster or slower than planned gets another leg, in which progress grows faster or slower, to reach 1 on time.
    The legs are part of a training's state.

    Args:
        legs: the legs of a resumed training; by default one leg of all steps.
    """

    def __init__(self, total_steps: int, *, legs: tuple[Leg, ...] = ()) -> None:
        self.legs = legs or (Leg(0, 0.0, total_steps),)

    @property
    def total_steps(self) -> int:
        """The planned number of steps."""
        return self.legs[-1].total_steps

    def progress(self, step: int) -> float:
        """Returns the share of the training done before step `step`."""
        leg = next(leg for leg in reversed(self.legs) if leg.first_step <= step)
        if step >= leg.total_steps:
            return 1.0
        share = (step - leg.first_step) / (leg.total_steps - leg.first_step)
        return leg.progress + (1.0 - leg.progress) * share

    @property
    def cut_short_at(self) -> float | None:
        """The share of the training before its last step, where it was replanned to end long before its whole."""
        share = self.progress(self.total_steps - 1)
        return share if len(self.legs) > 1 and share < _MOSTLY_DONE else None

    def passes_point(self, step: int, points: int) -> bool:
        """Returns whether step `step`, counted from 1, is the first to reach another of `points` equal shares."""
        return self.points(step, points) > self.points(step - 1, points)

    def points(self, step: int, points: int) -> int:
        """Returns how many of `points` equal shares are done after step `step`."""
        # The margin prevents that rounding of progress moves a point to the next step.
        return int(self.progress(step) * points + 1e-9)

    def replan(self, step: int, *, total_steps: int) -> None:
        """Changes the number of steps to `total_steps`, from step `step` on."""
        self.legs += (Leg(step, self.progress(step), total_steps),)


def learning_rate_at(step: int, progress: float, *, peak: float, final_share: float, warmup_steps: int) -> float:
    """Returns the learning rate of step `step` (counted from 0): linear warm-up, then cosine decay.

    Args:
        progress: share of the training done before the step, 0 to 1. The learning rate at 1 is
            `peak * final_share` (Loshchilov and Hutter 2017, without restarts).
    """
    warmth = min(1.0, (step + 1) / (warmup_steps + 1))
    return peak * warmth * (final_share + (1.0 - final_share) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def shortened_warmup(warmup_steps: int, *, total_steps: int) -> int:
    """Returns the number of warm-up steps, limited to a tenth of the training."""
    return min(warmup_steps, total_steps // 10)


_HELD = 0.3
_SLOWER = 0.2


def whole_rate(progress: float) -> float:
    """Returns 1: a trunk that learns like all else."""
    return 1.0


def rate_of_trunk(progress: float) -> float:
    """Returns the factor of the learning rate of a trunk that was trained before: first none, then a fifth.

    The head, whose weights were drawn, learns alone at first, so that its gradients do not spoil what the trunk knows
    (Howard and Ruder 2018, section 3.3).
    """
    return 0.0 if progress < _HELD else _SLOWER
