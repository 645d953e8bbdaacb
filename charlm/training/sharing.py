"""The choice, while a training runs, between groups of lanes and whole batches whose products all threads share."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from charlm.models.faster_way import FasterWay
from charlm.models.threads import using_threads

Result = TypeVar("Result")

SLOWEST_STEP = 15.0
"""Seconds that a step with shared products may take when another process begins; up to 5 were measured."""

_QUIET = 0.75
"""Share of its threads' time that a process computes in groups of lanes while nothing disturbs it."""


class Sharing:
    """Computes batches in groups of lanes, or each as one with products that all threads share, as is faster now.

    Shared products save reading all weights for each group, which is faster with wide layers; but the threads wait for
    one another at every symbol, so that such a step takes many times as long beside another process. It is only tried
    while nothing disturbs, and one slow step ends it for a while (docs/decisions/0008-groups-of-lanes.md).

    Args:
        num_threads: that share products.
        num_busy: how many of them groups of lanes keep busy, as `busy_threads` has it.
        clock: returns seconds.
        processor_clock: returns the seconds that all threads of this process have computed.

    Attributes:
        is_on: whether the products of what is computed now are shared.
        num_steps: how many times they were.
        is_quiet: whether nothing disturbed the last step.
    """

    def __init__(
        self,
        num_threads: int,
        *,
        num_busy: float,
        clock: Callable[[], float] = time.perf_counter,
        processor_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.is_on = False
        self.num_steps = 0
        self._num_threads = num_threads
        self._num_busy = num_busy
        self._clock = clock
        self._processor_clock = processor_clock
        self._is_faster = FasterWay(False, True)
        self.is_quiet = False

    def compute(self, function: Callable[[], Result], *, work: float, may_share: bool) -> Result:
        """Returns the function's result.

        Args:
            work: the size of the batch, by which times are compared; in any unit.
            may_share: whether there is time for a step of `SLOWEST_STEP`.
        """
        started, computed = self._clock(), self._processor_clock()
        self.is_on = may_share and self.is_quiet and self._is_faster.way(started)
        with using_threads(self._num_threads if self.is_on else 1):
            result = function()
        now = self._clock()
        if self.is_on:
            self.num_steps += 1
            self.is_quiet = not self._is_faster.is_slow(now - started, work=work)
        else:
            self.is_quiet = was_quiet(now - started, self._processor_clock() - computed, num_busy=self._num_busy)
        self._is_faster.took(self.is_on, now - started, work=work, now=now)
        return result


def busy_threads(num_threads: int, *, num_lanes: int, groups: int) -> float:
    """Returns how many threads compute all the time, in the mean, while groups of lanes are computed side by side."""
    return min(num_threads, num_lanes / math.ceil(num_lanes / groups))


def was_quiet(seconds: float, computed: float, *, num_busy: float) -> bool:
    """Returns whether nothing has disturbed groups of lanes.

    Args:
        computed: seconds of all threads together.
        num_busy: threads that compute all the time.
    """
    return computed >= _QUIET * num_busy * seconds
