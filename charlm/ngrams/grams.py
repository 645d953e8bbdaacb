"""The grams of one order: numbered, counted, and found again."""

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

    @property
    def symbols(self) -> Ids:
        """The last symbol of each gram."""
        return self.keys % self.vocabulary_size


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


def sums_by_context(grams: Grams, values: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the sum of `values`, one for each gram, over the grams of every context."""
    return np.bincount(grams.contexts, weights=values, minlength=grams.num_contexts).astype(np.float64)
