"""The faster of two ways to compute the same, found anew while the load of the machine changes."""

from typing import Generic, TypeVar

Way = TypeVar("Way")

_MOST_LOST = 0.01
"""Share of the time that trying the slower way may cost."""
_SMALLEST_LOSS = 0.1
"""What a trial is taken to cost at least, as a share of a call: not every call is a trial where both are as fast."""
_SMOOTHING = 0.2
"""Weight of the newest call in the mean of recent ones."""
_SLOW = 1.5
"""Times the usual seconds that a slow call takes."""


class FasterWay(Generic[Way]):
    """One of two ways: whichever was faster when both were last tried.

    Args:
        first: the way to begin with.
    """

    def __init__(self, first: Way, second: Way) -> None:
        self._others = {first: second, second: first}
        self._best = first
        self._seconds = 0.0
        self._next_trial = 0.0

    def way(self, now: float) -> Way:
        """Returns which way to take now."""
        return self._others[self._best] if self._seconds > 0.0 and now >= self._next_trial else self._best

    def is_slow(self, seconds: float, *, work: float) -> bool:
        """Returns whether a call of this size took much longer than usual."""
        return self._seconds > 0.0 and seconds > _SLOW * self._seconds * work

    def took(self, way: Way, seconds: float, *, work: float, now: float) -> None:
        """Notes what a call took.

        Args:
            work: its size, by which the times of calls are compared; in any unit.
            now: when it was over.
        """
        each = seconds / work
        if self._seconds == 0.0:
            # Trying the other may cost as much again.
            self._seconds, self._next_trial = each, now + seconds / _MOST_LOST
        elif way == self._best:
            self._seconds += _SMOOTHING * (each - self._seconds)
        else:
            if each < self._seconds:
                self._best = way
            lost = max(abs(each - self._seconds), _SMALLEST_LOSS * self._seconds) * work
            self._seconds = min(each, self._seconds)
            self._next_trial = now + lost / _MOST_LOST
