"""95 % intervals of measures that are no plain shares: from examples drawn anew, with replacement (Efron 1979)."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from charlm.evaluation.accuracy import LabelScore

Numbers = NDArray[np.float64]
Interval = tuple[float, float]

_RESAMPLES = 200


def interval_of(counts: Sequence[Sequence[float]], measure: Callable[[Numbers], Numbers]) -> Interval:
    """Returns the interval of a measure that follows from sums over examples.

    Args:
        counts: what is summed, a row an example; at least one.
        measure: from the sums of samples, `[samples, quantities]`, to the measure of each.
    """
    rows, rng = np.array(counts, dtype=np.float64), np.random.default_rng(0)
    sums = np.stack([rows[rng.integers(len(rows), size=len(rows))].sum(axis=0) for _ in range(_RESAMPLES)])
    return _middle(measure(sums))


def quotient(sums: Numbers) -> Numbers:
    """Returns the first quantity of each sample divided by the second; 0 where that is 0."""
    return divided(sums[:, 0], sums[:, 1])


def divided(part: Numbers, whole: Numbers) -> Numbers:
    """Returns a quotient, 0 where the divisor is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


def macro_f1_interval(score: LabelScore) -> Interval:
    """Returns the interval of the mean F1 of the labels that examples have, of pairs of labels drawn anew."""
    pairs = list(score.confusion)
    counts = np.array([score.confusion[pair] for pair in pairs], dtype=np.float64)
    if not pairs:
        return 0.0, 1.0
    numbers = {row.label: number for number, row in enumerate(score.rows)}
    is_true, is_predicted = (np.zeros((len(pairs), len(numbers))) for _ in range(2))
    for place, (true, predicted) in enumerate(pairs):
        is_true[place, numbers[true]] = is_predicted[place, numbers[predicted]] = 1.0
    drawn = np.random.default_rng(0).multinomial(int(counts.sum()), counts / counts.sum(), size=_RESAMPLES)
    support, guesses, hits = drawn @ is_true, drawn @ is_predicted, drawn @ (is_true * is_predicted)
    f1, are_present = divided(2 * hits, support + guesses), support > 0
    return _middle(divided((f1 * are_present).sum(axis=1), are_present.sum(axis=1).astype(np.float64)))


def _middle(values: Numbers) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
