"""Cross-fitting: the probability of each symbol of a text by n-gram models that are counted on the rest of the text.

The text is cut into a few contiguous folds; each is held out once and scored by what is counted on the others.
Whoever learns from these probabilities how far to trust an n-gram model sees it as it is on a new text.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.counting import NONE, CountedText, Ids, beginnings, suffixes, sums_by_context
from charlm.ngrams.model import features, num_features
from charlm.ngrams.smoothing import Discounts, adjusted_counts, estimate_discounts, kneser_ney

NUM_FOLDS = 10


@dataclass(frozen=True)
class HeldOutScores:
    """The scores of each symbol of a text, by models that it was held out from.

    Attributes:
        probabilities: of the symbol, in the highest order, float32 `[symbols]`.
        confidence: features of its context, as `features` gives them, float16 `[symbols, 2 order]`.
    """

    probabilities: NDArray[np.float32]
    confidence: NDArray[np.float16]


def cross_fit(text: CountedText, *, num_folds: int = NUM_FOLDS) -> HeldOutScores:
    """Returns each symbol's scores by modified Kneser-Ney, counted on the other folds.

    The discounts are those of the whole text.
    """
    length, order = len(text.occurrences[0]), len(text.orders)
    discounts = [estimate_discounts(adjusted_counts(text, each)) for each in range(1, order + 1)]
    shorter = [suffixes(text, each) for each in range(2, order + 1)]
    scores = HeldOutScores(
        np.empty(length, dtype=np.float32),
        np.zeros((length, num_features(order)), dtype=np.float16),
    )
    borders = np.linspace(0, length, num_folds + 1).round().astype(np.int64)
    for start, stop in itertools.pairwise(borders):
        _score_fold(text, slice(start, stop), discounts, shorter, scores)
    return scores


def _score_fold(
    text: CountedText, fold: slice, discounts: list[Discounts], shorter: list[Ids], scores: HeldOutScores
) -> None:
    order = len(text.orders)
    held_out = [ending[fold] for ending in text.occurrences]
    left = [
        grams.counts - np.bincount(places[places != NONE], minlength=len(grams))
        for grams, places in zip(text.orders, held_out, strict=True)
    ]
    length = fold.stop - fold.start
    probabilities = np.full(length, 1.0 / text.orders[0].vocabulary_size)
    totals, distinct = (np.zeros((order, length), dtype=np.float32) for _ in range(2))
    for index, (grams, counts, places) in enumerate(zip(text.orders, left, held_out, strict=True)):
        adjusted = counts
        if index + 1 < order:
            distinct_left = np.bincount(shorter[index], weights=left[index + 1] > 0, minlength=len(grams))
            adjusted = np.minimum(counts, distinct_left.astype(np.int64) + beginnings(text, index + 1))
        estimate = kneser_ney(grams, np.maximum(adjusted, 0), discounts[index])
        there = np.flatnonzero(places != NONE)
        gram, context = places[there], grams.contexts[places[there]]
        probabilities[there] = estimate.seen[gram] + estimate.backoff[context] * probabilities[there]
        totals[index, there] = sums_by_context(grams, counts)[context]
        distinct[index, there] = sums_by_context(grams, counts > 0)[context]
    scores.probabilities[fold] = probabilities
    scores.confidence[fold] = features(totals, distinct)
