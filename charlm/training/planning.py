"""How many optimizer steps a training has: given, counted in epochs, or measured against a time budget."""

import time
from collections.abc import Callable

_WARMUP_STEPS = 3
_MOST_TRIAL_STEPS = 40


def measure_step_seconds(take_step: Callable[[], object], *, limit_seconds: float) -> float:
    """Returns the time of a step, after a few that warm up caches and kernels.

    The lower quartile of the times: what else runs on the machine makes single steps much slower, never faster.

    Args:
        take_step: does one step of a training that is thrown away afterwards.
        limit_seconds: about how long the measurement may take, after the warm-up.
    """
    for _ in range(_WARMUP_STEPS):
        take_step()
    times: list[float] = []
    while len(times) < 3 or (len(times) < _MOST_TRIAL_STEPS and sum(times) < limit_seconds):
        started = time.perf_counter()
        take_step()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 4]


def steps_for_budget(
    *, budget_seconds: float, step_seconds: float, evaluation_seconds: float, evaluations: int
) -> tuple[int, int]:
    """Returns (steps, evaluations) that fill a time budget.

    Evaluations take at most a fifth of it; where the asked number would cost more, there are fewer.
    """
    affordable = int(0.2 * budget_seconds / evaluation_seconds) if evaluation_seconds > 0 else evaluations
    evaluations = max(1, min(evaluations, affordable))
    left = budget_seconds - evaluations * evaluation_seconds
    return max(1, int(left / step_seconds)), evaluations
