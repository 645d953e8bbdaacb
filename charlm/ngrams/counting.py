"""How often every sequence of up to N symbols occurs in a text, counted order by order with sorted arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Symbols = NDArray[np.integer[Any]]

NONE = -1
"""The number of a gram that is not there."""


@dataclass(frozen=True)
class Grams:
    """The distinct grams of one order, numbered in the order of their keys.

    Attributes:
        keys: int64, rising: the number of the gram without its last symbol, in the order below, times the
            size of the vocabulary, plus the last symbol. All grams that go on from one context lie together.
        counts: how often each occurs, int64.
        num_contexts: grams of the order below.
    """

    keys: Ids
    counts: Ids
    num_contexts: int
    vocabulary_size: int

    def __len__(self) -> int:
        """Returns how many grams there are."""
        return len(self.keys)

    @property
    def contexts(self) -> Ids:
        """For each gram the number of its context."""
        return self.keys // self.vocabulary_size


def find(keys: Ids, contexts: Ids, symbols: Symbols, *, vocabulary_size: int) -> Ids:
    """Returns the numbers of the grams that go on from `contexts` with `symbols`; NONE where there is none.

    Args:
        keys: of the grams, rising.
        contexts: numbers in the order below; NONE goes on to NONE.
    """
    wanted = np.where(contexts == NONE, NONE, contexts * vocabulary_size + symbols)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Ids = np.where(keys[places] == wanted, places, NONE)
    return found


@dataclass(frozen=True)
class CountedText:
    """A text and the grams in it.

    Attributes:
        orders: the grams of order 1, 2, … N.
        occurrences: for each order, the number of the gram that ends at each position, int64 `[symbols]`;
            NONE where the stretch that the position is in has not so many symbols yet.
    """

    orders: tuple[Grams, ...]
    occurrences: tuple[Ids, ...]


def count_grams(tokens: Symbols, *, order: int, vocabulary_size: int, begin: int | None = None) -> CountedText:
    """Returns the grams of a text up to an order.

    Args:
        tokens: the text, `[symbols]`, at least one.
        begin: the symbol at which a new stretch begins, that no gram reaches back over; None in running text.
            It is never predicted, so that by itself it counts as not occurring.
    """
    length = len(tokens)
    contexts = np.zeros(length, dtype=np.int64)
    num_contexts = 1
    begins = np.zeros(1, dtype=np.int64) if begin is None else np.flatnonzero(tokens == begin)
    orders: list[Grams] = []
    occurrences: list[Ids] = []
    for _ in range(order):
        present = np.flatnonzero(contexts != NONE)
        if not len(present):
            break
        codes = contexts[present] * vocabulary_size + tokens[present]
        keys, numbers, counts = np.unique(codes, return_inverse=True, return_counts=True)
        ending = np.full(length, NONE, dtype=np.int64)
        ending[present] = numbers
        if begin is not None and not orders:
            counts[keys == begin] = 0
        orders.append(Grams(keys, counts.astype(np.int64), num_contexts, vocabulary_size))
        occurrences.append(ending)
        num_contexts = len(keys)
        contexts = np.empty(length, dtype=np.int64)
        contexts[1:] = ending[:-1]
        contexts[begins] = NONE
    return CountedText(tuple(orders), tuple(occurrences))


def sums_by_context(grams: Grams, values: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the sum of `values`, one for each gram, over the grams of every context."""
    return np.bincount(grams.contexts, weights=values, minlength=grams.num_contexts).astype(np.float64)


def suffixes(text: CountedText, order: int) -> Ids:
    """Returns for each gram of an order above the first the number of it without its first symbol."""
    longer, ending = text.occurrences[order - 1], text.occurrences[order - 2]
    # A gram's last symbols are the same wherever it ends: any of its places will do.
    places = np.empty(len(text.orders[order - 1]), dtype=np.int64)
    present = np.flatnonzero(longer != NONE)
    places[longer[present]] = present
    return ending[places]


def left_contexts(text: CountedText, order: int) -> Ids:
    """Returns for each gram of an order below the highest how many different symbols stand before it.

    A gram with which a stretch begins has nothing before it there; that counts as often as it occurs, as the
    field does it for sentences' beginnings (Heafield et al. 2013).
    """
    grams = text.orders[order - 1]
    distinct = np.bincount(suffixes(text, order + 1), minlength=len(grams))
    return np.where(grams.counts > 0, distinct + beginnings(text, order), 0)


def beginnings(text: CountedText, order: int) -> Ids:
    """Returns for each gram of an order below the highest how often a stretch begins with it."""
    ending = text.occurrences[order - 1]
    first = np.flatnonzero((ending != NONE) & (text.occurrences[order] == NONE))
    return np.bincount(ending[first], minlength=len(text.orders[order - 1]))
