"""Guesses of the next symbol: that which followed a context the last time, and how far such guesses were right."""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.latest import NUM_STATES, Latest

_LEAST, _MOST = 1e-9, 1.0001
"""For the odds of probabilities of 0 and of 1: (p + _LEAST) / (_MOST - p)."""


@final
class Guesses:
    """How often the guesses of each context were right, by their state.

    Args:
        num_contexts: that guess at every symbol.
    """

    def __init__(self, num_contexts: int) -> None:
        self.record = np.ones((2, num_contexts * NUM_STATES))

    @property
    def record(self) -> NDArray[np.float64]:
        """How many guesses were right, and how many wrong, and one more each, `[2, contexts * states]`."""
        return np.array([self._right, self._wrong])

    @record.setter
    def record(self, record: NDArray[np.float64]) -> None:
        self._right, self._wrong = record.tolist()
        self._odds = np.log(record[0] / record[1]).tolist()
        self._present: list[tuple[int, int]] = []

    def predict(
        self, latest: Sequence[Latest | None], probabilities: NDArray[np.float64]
    ) -> tuple[list[int], list[float]]:
        """Returns the symbol that each context guesses, and how much surer the guess is than a distribution.

        Args:
            latest: what followed each context the last time; None where nothing has.
            probabilities: of the next symbol, `[vocabulary]`.

        Returns:
            Symbols, and the log odds of their guesses less those of their probabilities; 0 and 0.0 for no guess.
        """
        symbols, surer = [], []
        self._present = []
        each: Any = memoryview(probabilities)  # type: ignore[arg-type]
        for start, known in zip(range(0, len(self._odds), NUM_STATES), latest, strict=True):
            if known is None:
                symbols.append(0)
                surer.append(0.0)
                continue
            symbol, state = known
            probability = each[symbol]
            symbols.append(symbol)
            surer.append(self._odds[start + state] - math.log((probability + _LEAST) / (_MOST - probability)))
            self._present.append((symbol, start + state))
        return symbols, surer

    def learn(self, symbol: int) -> None:
        """Learns which of the guesses were right."""
        right, wrong = self._right, self._wrong
        for guess, place in self._present:
            if guess == symbol:
                right[place] += 1.0
            else:
                wrong[place] += 1.0
            self._odds[place] = math.log(right[place] / wrong[place])
