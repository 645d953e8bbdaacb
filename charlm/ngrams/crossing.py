"""What an n-gram model says of the very text it is counted on, without each place having counted itself.

The text is cut into a few contiguous parts; what is said of a part is counted on the others. So whoever learns
from it how far to trust the model sees it as it will be on a text that it has never seen.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.confidence import features, num_features
from charlm.ngrams.counting import NONE, CountedText, Ids, beginnings, suffixes, sums_by_context
from charlm.ngrams.smoothing import Discounts, adjusted_counts, estimate_discounts, kneser_ney

NUM_PARTS = 10


@dataclass(frozen=True)
class Crossed:
    """What is said of each symbol of a text.

    Attributes:
        probabilities: of the symbol itself, in the highest order, float32 `[symbols]`.
        confidence: features of its context, as of `features`, float16 `[symbols, 2 order]`.
    """

    probabilities: NDArray[np.float32]
    confidence: NDArray[np.float16]


def cross_count(text: CountedText, *, num_parts: int = NUM_PARTS) -> Crossed:
    """Returns what modified Kneser-Ney, counted on the other parts, says of each symbol.

    The discounts are those of the whole text.
    """
    length, order = len(text.occurrences[0]), len(text.orders)
    discounts = [estimate_discounts(adjusted_counts(text, each)) for each in range(1, order + 1)]
    shorter = [suffixes(text, each) for each in range(2, order + 1)]
    crossed = Crossed(
        np.empty(length, dtype=np.float32),
        np.zeros((length, num_features(order)), dtype=np.float16),
    )
    borders = np.linspace(0, length, num_parts + 1).round().astype(np.int64)
    for start, stop in itertools.pairwise(borders):
        _say_of_part(text, slice(start, stop), discounts, shorter, crossed)
    return crossed


def _say_of_part(
    text: CountedText, part: slice, discounts: list[Discounts], shorter: list[Ids], crossed: Crossed
) -> None:
    order = len(text.orders)
    left = [
        grams.counts - _occurrences(ending[part], len(grams))
        for grams, ending in zip(text.orders, text.occurrences, strict=True)
    ]
    length = part.stop - part.start
    probabilities = np.full(length, 1.0 / text.vocabulary_size)
    totals, distinct = (np.zeros((order, length), dtype=np.float32) for _ in range(2))
    for index, (grams, counts) in enumerate(zip(text.orders, left, strict=True)):
        adjusted = counts
        if index + 1 < order:
            distinct_left = np.bincount(shorter[index], weights=left[index + 1] > 0, minlength=len(grams))
            adjusted = np.minimum(counts, distinct_left.astype(np.int64) + beginnings(text, index + 1))
        estimate = kneser_ney(grams, np.maximum(adjusted, 0), discounts[index])
        places = text.occurrences[index][part]
        there = np.flatnonzero(places != NONE)
        gram, context = places[there], grams.contexts[places[there]]
        probabilities[there] = estimate.seen[gram] + estimate.backoff[context] * probabilities[there]
        totals[index, there] = sums_by_context(grams, counts)[context]
        distinct[index, there] = sums_by_context(grams, counts > 0)[context]
    crossed.probabilities[part] = probabilities
    crossed.confidence[part] = features(totals, distinct)


def _occurrences(places: Ids, num_grams: int) -> Ids:
    return np.bincount(places[places != NONE], minlength=num_grams)
