"""How far a training is at each of its steps, where its length may be planned anew on the way."""

from charlm.training.state import Leg

_TOLERANCE = 0.05
_FIRST_JUDGEMENT = 0.1


class Pace:
    """Turns a step into a share of the training done, from 0 to 1; schedules follow that share.

    Without a time budget there is one leg, and progress is `step / total_steps`. A training that has to end
    on time and turns out faster or slower than planned gets another leg, in which progress grows with each
    step as much as it must to reach 1 in time. The legs are part of a training's state.

    Args:
        legs: those of a training that goes on; by default one, of all steps.
    """

    def __init__(self, total_steps: int, *, legs: tuple[Leg, ...] = ()) -> None:
        self.legs = legs or (Leg(0, 0.0, total_steps),)

    @property
    def total_steps(self) -> int:
        """Steps in all, as planned last."""
        return self.legs[-1].total_steps

    def progress(self, step: int) -> float:
        """Returns the share of the training done before step `step`."""
        leg = next(leg for leg in reversed(self.legs) if leg.first_step <= step)
        if step >= leg.total_steps:
            return 1.0
        share = (step - leg.first_step) / (leg.total_steps - leg.first_step)
        return leg.progress + (1.0 - leg.progress) * share

    def passes_point(self, step: int, points: int) -> bool:
        """Returns whether step `step`, counted from 1, is the first to reach another of so many equal shares."""
        # The margin forgives the rounding of progress, which must not move a point to the next step.
        reached = [int(self.progress(done) * points + 1e-9) for done in (step - 1, step)]
        return reached[1] > reached[0]

    def total_on_time(self, step: int, *, elapsed: float, seconds: float) -> int | None:
        """Returns how many steps end the training on time, if that is not what is planned.

        Nothing is changed for a deviation of up to a twentieth of the whole time, nor before a tenth of the
        steps shows how fast they are. All steps so far are the measure: fewer would, now with an evaluation
        among them and now without, let the plan swing.

        Args:
            elapsed: time spent so far.
            seconds: time that there is in all.
        """
        if step >= self.total_steps or self.progress(step) < _FIRST_JUDGEMENT:
            return None
        per_step = elapsed / step
        expected = elapsed + (self.total_steps - step) * per_step
        if abs(expected - seconds) <= _TOLERANCE * seconds:
            return None
        total = step + max(1, int((seconds - elapsed) / per_step))
        return None if total == self.total_steps else total

    def plan_anew(self, step: int, *, total_steps: int) -> None:
        """Lets the training end after `total_steps`, from step `step` on."""
        self.legs += (Leg(step, self.progress(step), total_steps),)
