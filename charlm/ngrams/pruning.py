"""Rare grams dropped from a model: their probability goes to the order below."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.grams import Grams, sums_by_context
from charlm.ngrams.model import Level, make_level
from charlm.ngrams.smoothing import Estimate

KEPT_LENGTH = 3
"""Symbols of grams that are never dropped: there are few of them."""

Mask = NDArray[np.bool_]


def pruned_level(grams: Grams, estimate: Estimate, contexts: Mask | None, *, most: int) -> tuple[Level, Mask | None]:
    """Returns an order of the model, and which of its grams are in it; None for all.

    A gram that occurs more often than `most` begins and ends with grams that do, too, so these are kept with it.

    Args:
        contexts: which grams of the order below are in the model; None for all.
        most: grams that occur at most so often are dropped; 0 drops none.
    """
    level = make_level(grams, estimate)
    if most == 0:
        return level, None
    is_kept = grams.counts > most
    lost = sums_by_context(grams, np.where(is_kept, 0.0, estimate.seen))
    keys = grams.keys[is_kept]
    if contexts is not None:
        numbers = np.cumsum(contexts) - 1
        keys = numbers[keys // grams.vocabulary_size] * grams.vocabulary_size + keys % grams.vocabulary_size

    def of_kept(values: NDArray[Any]) -> NDArray[Any]:
        return values if contexts is None else values[contexts]

    backoff = np.minimum(estimate.backoff + lost, 1.0).astype(np.float32)
    others = (of_kept(values) for values in (backoff, level.totals, level.distinct))
    return Level(keys, level.seen[is_kept], *others), is_kept
