"""The speed of a training on this machine, and the number of steps in a time budget."""

import time
from collections.abc import Callable
from statistics import fmean, median

_WARMUP_STEPS = 2
_FEWEST_STEPS = 4
_MOST_STEPS = 40


def measure_steps(take_step: Callable[[], object], *, limit_seconds: float) -> list[float]:
    """Returns the seconds that single steps take, measured after a few steps of warm-up.

    Args:
        take_step: takes one step of a training that is discarded afterwards.
        limit_seconds: approximate duration of the measurement, after the warm-up.
    """
    for _ in range(_WARMUP_STEPS):
        take_step()
    times: list[float] = []
    while len(times) < _FEWEST_STEPS or (len(times) < _MOST_STEPS and sum(times) < limit_seconds):
        started = time.perf_counter()
        take_step()
        times.append(time.perf_counter() - started)
    return times


def choose_threads(times: dict[int, list[float]]) -> tuple[int, float]:
    """Returns the best number of threads and the seconds of a step, given the seconds of single steps by threads.

    The mean decides, not the median: while another program uses a core, most steps are fast, but some are a hundred
    times slower as threads wait for one another. More threads are chosen only if they save a tenth of the time.
    """
    fewest = min(times)
    chosen = min(times, key=lambda threads: fmean(times[threads]) * (1.0 if threads == fewest else 1.1))
    return chosen, median(times[chosen])


def steps_for_budget(
    *, budget_seconds: float, step_seconds: float, evaluation_seconds: float, evaluations: int
) -> tuple[int, int]:
    """Returns (steps, evaluations) that fill a time budget.

    Evaluations take at most a twentieth of the budget. If `evaluations` would take more, there are fewer, at least one.
    """
    affordable = int(0.05 * budget_seconds / evaluation_seconds) if evaluation_seconds > 0 else evaluations
    evaluations = max(1, min(evaluations, affordable))
    left = budget_seconds - evaluations * evaluation_seconds
    return max(1, int(left / step_seconds)), evaluations
