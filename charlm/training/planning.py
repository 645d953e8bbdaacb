"""The speed of a training on this machine, and the steps and evaluations in a time budget."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_WARMUP_STEPS = 2
_FEWEST_STEPS = 4
_MOST_STEPS = 40
_EVALUATING = 0.05
_FEWEST_EVALUATIONS = 3
_SMALLEST_SHARE = 0.02
_FEWEST_EVALUATED = 5000

FEWEST_STEPS = 500
"""Steps that a training may take on a text of any size, however short; with fewer, most networks have learnt little."""


def suggested_steps(steps: int) -> int:
    """Returns the length of a training, in steps, that is worth going on to after so many."""
    return max(2 * steps, FEWEST_STEPS)


def measure_steps(
    take_step: Callable[[], object], *, limit_seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[float]:
    """Returns the seconds that single steps take, measured after a few steps of warm-up.

    Args:
        take_step: takes one step of a training that is discarded afterwards.
        limit_seconds: approximate duration of the measurement, after the warm-up.
        clock: returns seconds, the same in all processes that take steps together.
    """
    for _ in range(_WARMUP_STEPS):
        take_step()
    times: list[float] = []
    while len(times) < _FEWEST_STEPS or (len(times) < _MOST_STEPS and sum(times) < limit_seconds):
        started = clock()
        take_step()
        times.append(clock() - started)
    return times


@dataclass(frozen=True)
class Division:
    """What a time budget is divided into.

    Attributes:
        steps, evaluations: how many.
        share: how much of the validation text each evaluation reads.
        evaluation_seconds: of one of them, with the saving after it.
    """

    steps: int
    evaluations: int
    share: float
    evaluation_seconds: float


def divide(
    seconds: float,
    *,
    step_seconds: float,
    scoring_seconds: float,
    around_seconds: float,
    evaluations: int,
    is_fixed: bool,
    evaluated_symbols: int = 0,
) -> Division:
    """Divides a time budget.

    Evaluations take at most a twentieth of it, as far as that is possible: first there are fewer of them, at least
    three; then each reads less of the text, at least a fiftieth and 5,000 symbols, as fewer say too little.

    Args:
        scoring_seconds: to score the whole validation text.
        around_seconds: of an evaluation besides that: to calibrate what is scored, and to save what was found.
        evaluations: how many are wanted.
        is_fixed: whether there must be as many.
        evaluated_symbols: in the whole validation text.
    """
    allowed = _EVALUATING * seconds
    if not is_fixed:
        affordable = int(allowed / max(scoring_seconds + around_seconds, 1e-9))
        evaluations = min(evaluations, max(_FEWEST_EVALUATIONS, affordable))
    share = (allowed / evaluations - around_seconds) / max(scoring_seconds, 1e-9)
    fewest = _FEWEST_EVALUATED / evaluated_symbols if evaluated_symbols else 0.0
    share = min(1.0, max(_SMALLEST_SHARE, fewest, share))
    evaluation_seconds = share * scoring_seconds + around_seconds
    left = seconds - evaluations * evaluation_seconds
    return Division(max(1, int(left / step_seconds)), evaluations, share, evaluation_seconds)
