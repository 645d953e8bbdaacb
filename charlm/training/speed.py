"""The speed of a training, as people read it."""

import time


class Speed:
    """Characters per second, smoothed over about the last second or two."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._rate: float | None = None

    def after(self, characters: float) -> float:
        """Returns the speed after so many more characters."""
        now = time.perf_counter()
        seconds, self._last = max(now - self._last, 1e-9), now
        rate = characters / seconds
        weight = min(1.0, seconds / 2.0 + 0.02)
        self._rate = rate if self._rate is None else self._rate + weight * (rate - self._rate)
        return self._rate

    def pause(self) -> None:
        """Leaves out the time since the last characters."""
        self._last = time.perf_counter()
