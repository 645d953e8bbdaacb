"""Groups of lanes: a batch in parts, each computed from start to end on one thread.

Threads that share every matrix product meet at every symbol, and wait there whenever another process has a core.
Groups meet once a batch. Their results are joined in order, so that they do not depend on the number of threads.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from charlm.models.faster_way import FasterWay
from charlm.models.threads import using_threads

Part = TypeVar("Part")
Result = TypeVar("Result")

LANES = 32
"""Lanes in a group: fewer make each product slower, more leave threads without work (docs/experiments.md)."""


def usual_groups(num_lanes: int) -> int:
    """Returns the usual number of groups of a batch, whatever the machine: at least two, if there are two lanes."""
    return max(-(-num_lanes // LANES), min(2, num_lanes))


def group_borders(num_lanes: int, groups: int) -> list[tuple[int, int]]:
    """Returns the first lane of each group, and the one after its last."""
    return list(itertools.pairwise(round(group * num_lanes / groups) for group in range(groups + 1)))


class Workers:
    """Threads that compute groups side by side; or one after another, while another process makes that faster.

    Args:
        num_threads: the most that compute at the same time.
        clock: returns seconds.
    """

    def __init__(self, num_threads: int, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._threads = FasterWay(num_threads, 1)
        self._clock = clock
        self._pool = ThreadPoolExecutor(num_threads)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part], *, work: float) -> list[Result]:
        """Returns the function's result for each part, in order; each is computed on one thread.

        Args:
            work: the size of all parts together, by which the times of calls are compared; in any unit.

        Raises:
            Exception: the first part's that has one, after all parts have ended.
        """
        threads = self._threads.way(self._clock()) if len(parts) > 1 else 1
        started = self._clock()
        with using_threads(1):
            if threads == 1:
                results = [function(part) for part in parts]
            else:
                run = _in_this_mode(function)
                futures = [self._pool.submit(run, part) for part in parts]
                wait(futures)
                results = [future.result() for future in futures]
        if len(parts) > 1:
            self._threads.took(threads, self._clock() - started, work=work, now=self._clock())
        return results


def _in_this_mode(function: Callable[[Part], Result]) -> Callable[[Part], Result]:
    """Returns the function, to be called on a worker, with the calling thread's autocast and inference mode."""
    is_inference = torch.is_inference_mode_enabled()
    is_autocast, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run(part: Part) -> Result:
        with using_threads(1), torch.inference_mode(is_inference), torch.autocast("cpu", dtype, enabled=is_autocast):
            return function(part)

    return run
