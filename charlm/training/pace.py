"""The progress of a training at each step, also when its number of steps changes on the way, and the learning rate."""

import math

from charlm.training.state import Leg

_TOLERANCE = 0.05
_FIRST_JUDGEMENT = 0.1


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

    def passes_point(self, step: int, points: int) -> bool:
        """Returns whether step `step`, counted from 1, is the first to reach another of `points` equal shares."""
        # The margin prevents that rounding of progress moves a point to the next step.
        reached = [int(self.progress(done) * points + 1e-9) for done in (step - 1, step)]
        return reached[1] > reached[0]

    def total_on_time(self, step: int, *, elapsed: float, seconds: float) -> int | None:
        """Returns the number of steps that end on time, `elapsed` of the budget being spent; None for no change.

        The plan does not change for a deviation of up to a twentieth of the time budget, nor in the first tenth of
        the training. The speed is the mean over all steps so far. A mean over few steps would depend on whether an
        evaluation is among them, and the plan would change back and forth.
        """
        if step >= self.total_steps or self.progress(step) < _FIRST_JUDGEMENT:
            return None
        per_step = elapsed / step
        expected = elapsed + (self.total_steps - step) * per_step
        if abs(expected - seconds) <= _TOLERANCE * seconds:
            return None
        total = step + max(1, int((seconds - elapsed) / per_step))
        return None if total == self.total_steps else total

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
