"""Cross-fitting: the distributions of an n-gram model at places of a text, counted on the rest of the text.

The text is cut into a few contiguous folds; each is held out once, and the model of the others is asked in it.
Whoever learns from these distributions how far to trust an n-gram model sees it as it is on a new text.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenfile import TokenFile
from charlm.ngrams.counting import DEFAULT_MEMORY, CountedText, beginnings, count_grams
from charlm.ngrams.grams import NONE, Ids, find
from charlm.ngrams.model import Level, NgramModel, make_level
from charlm.ngrams.smoothing import Discounts, adjusted_counts, estimate_discounts, kneser_ney
from charlm.ngrams.sorting import Scratch

NUM_FOLDS = 10

MOST_PLACES = 1 << 17
"""Places at which distributions are computed."""

_MOST_NUMBERS = 1 << 25
"""Of all distributions, 128 MiB."""


@dataclass(frozen=True)
class HeldOutDistributions:
    """What n-gram models predict at some places of a text that they were not counted on.

    Attributes:
        places: numbers of the predicted symbols, rising, int64 `[places]`.
        log_probabilities: of all symbols, float32 `[places, vocabulary]`.
        confidence: the evidence in the symbols' contexts, as `NgramModel.confidence` gives it, `[places, 2 order]`.
    """

    places: Ids
    log_probabilities: NDArray[np.float32]
    confidence: NDArray[np.float32]


def cross_fit(
    text: CountedText,
    *,
    num_folds: int = NUM_FOLDS,
    most_places: int = MOST_PLACES,
    memory: int = DEFAULT_MEMORY,
    scratch: Scratch | None = None,
) -> HeldOutDistributions:
    """Returns the distributions of modified Kneser-Ney, counted on the other folds, at places spread over the text.

    The discounts are those of the whole text; memory and scratch are for counting a fold, as in `count_grams`.
    """
    length, order, vocabulary_size = len(text.text.tokens), len(text.orders), text.orders[0].vocabulary_size
    num_places = min(length, most_places, max(1, _MOST_NUMBERS // vocabulary_size))
    places = np.linspace(0, length, num_places, endpoint=False).astype(np.int64)
    discounts = [estimate_discounts(adjusted_counts(text, each)) for each in range(1, order + 1)]
    borders = np.linspace(0, length, num_folds + 1).round().astype(np.int64)
    held_out = HeldOutDistributions(
        places,
        np.empty((num_places, vocabulary_size), dtype=np.float32),
        np.empty((num_places, 2 * order), dtype=np.float32),
    )
    grams_of_contexts = None
    for fold in itertools.pairwise(borders):
        levels = _levels_without(text, slice(*fold), discounts, memory=memory, scratch=scratch)
        model = NgramModel(levels, vocabulary_size=vocabulary_size, borders=grams_of_contexts)
        grams_of_contexts = model.borders
        inside = slice(*np.searchsorted(places, fold))
        contexts = _contexts_before(text, places[inside])
        held_out.log_probabilities[inside] = np.log(model.distributions(contexts))
        held_out.confidence[inside] = model.confidence(contexts)
    return held_out


def _levels_without(
    text: CountedText, fold: slice, discounts: list[Discounts], *, memory: int, scratch: Scratch | None
) -> list[Level]:
    """Returns the model's orders without the grams that end in a fold, numbered as in the whole text."""
    order = len(text.orders)
    inside = _counts_in(text, fold, memory=memory, scratch=scratch)
    left = [grams.counts - counts for grams, counts in zip(text.orders, inside, strict=True)]
    levels = []
    for index, (grams, counts) in enumerate(zip(text.orders, left, strict=True)):
        counts = np.maximum(counts, 0)  # A begin counts as not occurring.
        adjusted = counts
        if index + 1 < order:
            shorter = text.suffixes[index]
            distinct = np.bincount(shorter, weights=left[index + 1] > 0, minlength=len(grams)).astype(np.int64)
            adjusted = np.minimum(counts, distinct + beginnings(text, index + 1))
        estimate = kneser_ney(grams, adjusted, discounts[index])
        levels.append(make_level(replace(grams, counts=counts), estimate))
    return levels


def _counts_in(text: CountedText, fold: slice, *, memory: int, scratch: Scratch | None) -> list[Ids]:
    """Returns how often each gram of each order ends in a fold."""
    order, whole = len(text.orders), text.text
    counts = [np.zeros(len(grams), dtype=np.int64) for grams in text.orders]
    if fold.start == fold.stop:
        return counts
    inside = count_grams(
        TokenFile(whole.tokens.read(fold.start, fold.stop)),
        order=order,
        vocabulary_size=whole.vocabulary_size,
        begin=whole.begin,
        memory=memory,
        scratch=scratch,
    )
    numbers = np.zeros(1, dtype=np.int64)
    for grams, found, of_order in zip(text.orders, inside.orders, counts, strict=False):
        contexts = numbers[found.contexts]
        numbers = find(grams.keys, contexts, found.symbols, vocabulary_size=whole.vocabulary_size)
        of_order[numbers] = found.counts
    # Those that begin before the fold.
    places = np.arange(fold.start, min(fold.start + order - 1, fold.stop))
    for length, ending in enumerate(grams_ending(text, places), start=1):
        reaching_back = ending[: length - 1]
        np.add.at(counts[length - 1], reaching_back[reaching_back != NONE], 1)
    return counts


def _contexts_before(text: CountedText, places: Ids) -> Ids:
    """Returns the contexts of the symbols at some places, int64 `[order, places]`."""
    contexts = np.full((len(text.orders), len(places)), NONE, dtype=np.int64)
    contexts[0] = 0
    later = places > 0
    contexts[1:, later] = grams_ending(text, places[later] - 1)[:-1]
    return contexts


def grams_ending(text: CountedText, places: Ids) -> Ids:
    """Returns the numbers of the grams of each order that end at some places, or NONE, int64 `[order, places]`."""
    order = len(text.orders)
    starts = places - order + 1
    symbols = text.text.tokens.columns(np.maximum(starts, 0), order)
    for early in np.flatnonzero(starts < 0):
        missing = -starts[early]
        symbols[:, early] = np.concatenate((np.full(missing, NONE), symbols[: order - missing, early]))
    ending = np.empty((order, len(places)), dtype=np.int64)
    contexts = np.zeros_like(symbols)
    for index, grams in enumerate(text.orders):
        numbers = find(grams.keys, contexts, symbols[index:], vocabulary_size=grams.vocabulary_size)
        ending[index] = numbers[-1]
        contexts = numbers[:-1]
    return ending
