"""A log-linear mixture of distributions, p ~ exp(sum of w_k log p_k + b), that learns from every symbol it predicted.

A weight takes steps down the gradient g of the symbols' code lengths, each shorter by what came before (AdaGrad; Duchi
et al. 2011): rate * g / sqrt(10 + sum of all g^2), so that weights that are seldom asked learn as fast as others.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GuessedLogits = tuple[list[int], list[float]]
"""Symbols, and for each what its weight times is added to its logit; a symbol may come several times."""

FIRST_SQUARE = 10.0
"""Of gradients, before any; some nats times some nats."""
_GROUP = 32
"""Symbols after which the weights take a step; waiting for so many costs nothing that was measured."""
_STEADY = 50
"""How often a symbol has to be expected before its bias takes half as long steps."""
_SHARE_OF_UNIFORM = 1e-6
"""So that no symbol is impossible, whatever the weights have come to."""


@final
class LogLinearWeights:
    """Weights, `[sets, inputs]`, and biases of symbols, which take a step after every group of symbols.

    The weights of a prediction are those of its sets, summed.

    Attributes:
        rows: the weights of each set, `[sets, inputs]`.
        squares: the sums of the squares of their gradients, `[sets, inputs]`.
        biases: of symbols, `[vocabulary]`.

    Args:
        first: the weights of the first sets before anything is learnt; those of the others are 0.
        num_first: sets that begin with these; there is one of them in every prediction.
        num_guesses: inputs that say something of one symbol alone; their first weights are 0.
        rate: of the weights.
        symbol_rate: of the biases.
    """

    def __init__(
        self,
        first: Sequence[float],
        *,
        num_sets: int,
        vocabulary_size: int,
        num_first: int,
        num_guesses: int = 0,
        rate: float,
        symbol_rate: float,
    ) -> None:
        self.rows = np.zeros((num_sets, len(first) + num_guesses))
        self.squares = np.full(self.rows.shape, FIRST_SQUARE)
        self.biases = np.zeros(vocabulary_size)
        self.rows[:num_first, : len(first)] = first
        self._num_inputs = len(first)
        self._rate, self._symbol_rate = rate, symbol_rate
        self._num_expected = np.zeros(vocabulary_size)
        self._least = _SHARE_OF_UNIFORM / vocabulary_size
        self._inputs = np.empty((_GROUP, len(first), vocabulary_size))
        self._predicted = np.empty((_GROUP, vocabulary_size))
        self._sets: list[list[int]] = []
        self._guessed: list[list[int]] = []
        self._logits: list[list[float]] = []
        self._symbols: list[int] = []
        self._present: tuple[list[int], GuessedLogits] = [], ([], [])

    @property
    def inputs(self) -> Floats:
        """Where the logarithms of the next symbol's distributions go, `[inputs, vocabulary]`."""
        inputs: Floats = self._inputs[len(self._symbols)]
        return inputs

    def predict(self, sets: list[int], biases: Floats | float = 0.0, guessed: GuessedLogits = ([], [])) -> Floats:
        """Returns the mixed distribution `[vocabulary]`, kept until `learn`.

        Args:
            sets: always as many.
            guessed: of `num_guesses` symbols.
        """
        weights = np.add.reduce(self.rows.take(sets, axis=0)) if len(sets) > 1 else self.rows[sets[0]]
        mixed: Floats = self._predicted[len(self._symbols)]
        np.dot(weights[: self._num_inputs], self.inputs, out=mixed)
        mixed += self.biases
        mixed += biases
        self._present = sets, guessed
        # One number of a view is changed in half the time of an array's.
        each: Any = memoryview(mixed)  # type: ignore[arg-type]
        for weight, symbol, logit in zip(weights[self._num_inputs :].tolist(), *guessed, strict=True):
            each[symbol] += weight * logit
        mixed -= np.maximum.reduce(mixed)
        np.exp(mixed, out=mixed)
        mixed *= (1.0 - _SHARE_OF_UNIFORM) / np.add.reduce(mixed)
        mixed += self._least
        return mixed

    def learn(self, symbol: int) -> tuple[Floats, Floats] | None:
        """Goes down the gradient of the symbols' code lengths, once a group is full.

        Returns:
            How often each symbol came in that group, and was expected, `[vocabulary]` each; None before it is full.
        """
        sets, (guessed, logits) = self._present
        self._sets.append(sets)
        self._guessed.append(guessed)
        self._logits.append(logits)
        self._symbols.append(symbol)
        if len(self._symbols) < _GROUP:
            return None
        places, symbols = np.arange(_GROUP), np.array(self._symbols)
        slopes = np.empty((_GROUP, self.rows.shape[1]))
        expected = np.matmul(self._inputs, self._predicted[:, :, None])[:, :, 0]
        slopes[:, : self._num_inputs] = self._inputs[places, :, symbols] - expected
        if guessed:
            chosen = np.array(self._guessed)
            surprise = (chosen == symbols[:, None]) - self._predicted[places[:, None], chosen]
            slopes[:, self._num_inputs :] = surprise * self._logits
        self._step(np.array(self._sets), slopes)
        came = np.bincount(self._symbols, minlength=len(self.biases)).astype(np.float64)
        expected = np.add.reduce(self._predicted)
        self._num_expected += expected
        self.biases += self._symbol_rate * (came - expected) / (1.0 + self._num_expected / _STEADY)
        for each in (self._sets, self._guessed, self._logits, self._symbols):
            each.clear()
        return came, expected

    def _step(self, sets: NDArray[np.int64], slopes: Floats) -> None:
        """Moves the weights of sets `[symbols, sets]` up the slopes `[symbols, inputs]`."""
        num_inputs = slopes.shape[1]
        places = (sets[:, :, None] * num_inputs + np.arange(num_inputs)).ravel()
        all_slopes = np.broadcast_to(slopes[:, None], (*sets.shape, num_inputs)).ravel()
        rows, squares = self.rows.reshape(-1), self.squares.reshape(-1)
        np.add.at(squares, places, all_slopes * all_slopes)
        np.add.at(rows, places, self._rate * all_slopes / np.sqrt(squares[places]))


@final
class RecentFrequencies:
    """How much more often each symbol came lately than was expected, as logarithms: a frequency that drifts.

    Attributes:
        logarithms: `[vocabulary]`.
    """

    def __init__(self, vocabulary_size: int) -> None:
        self.logarithms = np.zeros(vocabulary_size)
        self._counts = np.zeros((2, vocabulary_size))

    def add(self, came: Floats, expected: Floats) -> None:
        """Counts a group of symbols, and what was expected of it."""
        self._counts *= _KEPT
        self._counts += came, expected
        logarithms = np.log(self._counts + _USUAL)
        np.subtract(logarithms[0], logarithms[1], out=self.logarithms)


_USUAL = 0.1
"""Added to how often a symbol came, and to how often it was expected."""
_KEPT = np.exp(-_GROUP / 500).item()
"""Of a count after a group: what was counted 500 symbols ago counts for 1/e."""
