"""The number of steps with which a training ends on time, however busy the machine becomes."""

import math

_NEWEST = 0.5
"""Weight of the newest steps in the mean seconds of a step: those of a few hundredths of a training count."""
_TOLERANCE = 0.002
"""Share of the whole time by which a plan may miss its end before it changes."""


class Deadline:
    """The end of a training with a time budget.

    Evaluations are timed apart from the steps: a mean over both would change back and forth with each of them.

    Args:
        seconds: time for the whole training, evaluations included.
        evaluation_seconds: what an evaluation and the saving after it are thought to take, until they are timed.
        most_steps: with which the training ends although there is time for more; None for no such number.
        ending_seconds: what follows the training while nothing disturbs; it is slower as steps are slower.
    """

    def __init__(
        self,
        seconds: float,
        *,
        evaluation_seconds: float,
        most_steps: int | None = None,
        ending_seconds: float = 0.0,
    ) -> None:
        self._seconds = seconds
        self._ending_seconds = ending_seconds
        self._fastest_step = math.inf
        self._most_steps = most_steps
        self._evaluation_seconds = evaluation_seconds
        self._step_seconds: float | None = None
        self._first_step = 0
        self._resumed = 0.0

    def resume(self, step: int, *, elapsed: float) -> None:
        """Begins to time steps: `step` are done, after `elapsed` seconds."""
        self._first_step, self._resumed = step, elapsed

    def after_steps(self, step: int, *, elapsed: float) -> None:
        """Notes that all steps up to `step` are done."""
        if step > self._first_step:
            newest = (elapsed - self._resumed) / (step - self._first_step)
            before = newest if self._step_seconds is None else self._step_seconds
            self._step_seconds = before + _NEWEST * (newest - before)
            self._fastest_step = min(self._fastest_step, self._step_seconds)
        self.resume(step, elapsed=elapsed)

    def after_evaluation(self, *, elapsed: float) -> None:
        """Notes that an evaluation, which began after the last steps, is over and its results are saved."""
        self._evaluation_seconds = elapsed - self._resumed
        self._resumed = elapsed

    def total_steps(self, step: int, *, planned: int, evaluations_left: int, elapsed: float) -> int:
        """Returns the number of steps that end on time: `planned`, if these do.

        Args:
            step: steps done.
            planned: steps in all, as planned so far; more than `step`.
            evaluations_left: after later steps.
            elapsed: seconds that the training has taken so far.
        """
        if self._step_seconds is None:
            return planned
        ending_later = self._ending_seconds * (self._step_seconds / self._fastest_step - 1.0)
        left = self._seconds - elapsed - evaluations_left * self._evaluation_seconds - ending_later
        if abs((planned - step) * self._step_seconds - left) <= _TOLERANCE * self._seconds:
            return planned
        most = math.inf if self._most_steps is None else self._most_steps - step
        return step + max(1, int(min(most, left / self._step_seconds)))
