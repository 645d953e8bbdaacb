"""How far a training is, and how long it still takes, in words."""

from collections.abc import Callable

from charlm.cli.display.formatting import clock
from charlm.runs.reporting import StepReport, TrainingSummary

_SECONDS_BEFORE_ESTIMATE = 1.0


class TimeLeft:
    """The time until a training ends: that to its deadline or, without one, an estimate from the steps so far."""

    def __init__(self, summary: TrainingSummary, *, now: Callable[[], float]) -> None:
        """Starts to count; `now` returns the time in seconds."""
        self._summary = summary
        self._now = now
        self._started = now()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._now() - self._started

    def in_words(self, report: StepReport | None) -> str:
        """Returns the time left, such as '1:30 left'; an empty text before anything is known and after the last step.

        Args:
            report: of the last step.
        """
        if report is not None and report.step >= report.total_steps:
            return ""
        if self._summary.seconds_left is not None:
            return f"{clock(max(0.0, self._summary.seconds_left - self.elapsed))} left"
        done = 0 if report is None else report.step - self._summary.first_step
        if report is None or done == 0 or self.elapsed < _SECONDS_BEFORE_ESTIMATE:
            return ""
        return f"about {clock(self.elapsed / done * (report.total_steps - report.step))} left"


def steps_in_words(step: int, *, total_steps: int, has_deadline: bool) -> str:
    """Returns how many steps are done: 'step 420 of 1,000'.

    Before a deadline the total changes all the time; it is shown with two digits, as 'about 1,000', until the end.
    """
    if not has_deadline or step >= total_steps:
        return f"step {step:,} of {total_steps:,}"
    unit = 10 ** max(0, len(str(total_steps)) - 2)
    return f"step {step:,} of about {-(-total_steps // unit) * unit:,}"
