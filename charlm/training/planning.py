"""How fast a training is on this machine, and how many steps fill a time budget."""

import time
from collections.abc import Callable
from statistics import fmean, median

_WARMUP_STEPS = 2
_FEWEST_STEPS = 4
_MOST_STEPS = 40


def measure_steps(take_step: Callable[[], object], *, limit_seconds: float) -> list[float]:
    """Returns the seconds that single steps took, after a few that warm up caches and kernels.

    Args:
        take_step: does one step of a training that is thrown away afterwards.
        limit_seconds: about how long the measurement may take, after the warm-up.
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
    """Returns the number of threads to train with, and the seconds a step then takes.

    The mean decides, not the median: threads that wait for one another while something else has a core are
    fast in most steps and a hundred times slower in some. More threads must be worth a tenth.

    Args:
        times: for each number of threads, what single steps took.
    """
    fewest = min(times)
    chosen = min(times, key=lambda threads: fmean(times[threads]) * (1.0 if threads == fewest else 1.1))
    return chosen, median(times[chosen])


def steps_for_budget(
    *, budget_seconds: float, step_seconds: float, evaluation_seconds: float, evaluations: int
) -> tuple[int, int]:
    """Returns (steps, evaluations) that fill a time budget.

    Evaluations take at most a twentieth of it; where the asked number would cost more, there are fewer, but one.
    """
    affordable = int(0.05 * budget_seconds / evaluation_seconds) if evaluation_seconds > 0 else evaluations
    evaluations = max(1, min(evaluations, affordable))
    left = budget_seconds - evaluations * evaluation_seconds
    return max(1, int(left / step_seconds)), evaluations
