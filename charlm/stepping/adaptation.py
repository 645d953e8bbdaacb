"""A model that learns from every symbol after it has predicted it: score first, update after.

Its prediction is log-linear, p ~ exp(sum of w_k log p_k + b), over

- the distributions of a model that does not change: a network's, an n-gram model's or both;
- the same, mixed, as the counts of the text read so far refine them (charlm/ngrams/growing.py);
- what followed the longest earlier stretch that is like the present end of the text.

The weights w are sums of one vector for each kind of evidence: how much the n-gram model has seen of the context, how
much the growing counts have, how long the match is. They and the biases b take a gradient step on every symbol's code
length (Mattern 2012, geometric mixing; Mahoney 2005, PAQ8). There is a bias for each pair of neighbouring symbols, and
one for each symbol wherever it stands, whose steps get shorter the more often it was expected: a text of another kind
has other frequent symbols. A distribution over all symbols is normalised, always, so that the code lengths are those of
a code.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.growing import GrowingCounts
from charlm.ngrams.matching import LongestMatch

Floats = NDArray[np.float64]

_GROUP = 16
"""Symbols after which the weights take a step; waiting for so many costs nothing that was measured."""
_BIAS_ROWS = 1024
_EVIDENCE_OF_COUNTS = 4
_MATCH_LENGTHS = 5
_STEADY = 50
"""How often a symbol has to be expected before its bias takes half as long steps."""
_LOWEST = 1e-300
_HIGHEST = 1e12
"""Of what is learnt: far more than weights, biases and numbers of matches come to."""
_SHARE_OF_UNIFORM = 1e-6
"""So that no symbol is impossible, whatever the weights have come to."""


@dataclass(frozen=True)
class AdaptationSettings:
    """How fast an adaptive model learns.

    Attributes:
        weight_rate: of the weights, per symbol.
        bias_rate: of the biases.
        order: one more than the symbols of the longest contexts that are counted.
        most_contexts: counted at the same time.
        symbol_rate: of the biases of symbols wherever they stand, for those that were not expected yet.
    """

    weight_rate: float = 0.001
    bias_rate: float = 0.03
    order: int = 8
    most_contexts: int = 1 << 20
    symbol_rate: float = 0.05


class Evidence:
    """How much an n-gram model has seen of a context, as a number below `NUM`, from its features."""

    NUM = 1 + 3 * 25

    @staticmethod
    def of(totals: NDArray[Any]) -> NDArray[np.int64]:
        """Returns it for contexts `[…]`: how long the longest known one is, and how often it was met.

        Args:
            totals: how often the contexts of each length were followed, `[…, order]`; 0 where they are not known.
        """
        known = np.count_nonzero(totals, axis=-1)
        longest = np.take_along_axis(totals, np.maximum(known - 1, 0)[..., None], axis=-1)[..., 0]
        evidence: NDArray[np.int64] = np.where(known > 0, 1 + 3 * (known - 1) + (longest > 1) + (longest > 4), 0)
        return evidence


@final
class _Weights:
    """Weights, `[sets, inputs]`, and biases of symbols, which take a step after every group of symbols."""

    def __init__(
        self, first: Sequence[float], num_sets: int, vocabulary_size: int, settings: AdaptationSettings
    ) -> None:
        self.rows = np.zeros((num_sets, len(first)))
        self.biases = np.zeros(vocabulary_size)
        self._first = np.array(first)
        self._rate, self._symbol_rate = settings.weight_rate, settings.symbol_rate
        self._num_expected = np.zeros(vocabulary_size)
        self._inputs = np.empty((_GROUP, len(first), vocabulary_size))
        self._predicted = np.empty((_GROUP, vocabulary_size))
        self._sets: list[list[int]] = []
        self._symbols: list[int] = []
        self._present: list[int] = []

    @property
    def inputs(self) -> Floats:
        """Where the logarithms of the next symbol's distributions go, `[inputs, vocabulary]`."""
        inputs: Floats = self._inputs[len(self._symbols)]
        return inputs

    def predict(self, sets: list[int], biases: Floats | float = 0.0) -> Floats:
        """Returns the mixed distribution `[vocabulary]`, kept until `learn`."""
        weights = self._first
        for each in sets:
            weights = weights + self.rows[each]
        self._present = sets
        mixed: Floats = self._predicted[len(self._symbols)]
        np.dot(weights, self.inputs, out=mixed)
        mixed += self.biases
        mixed += biases
        mixed -= np.maximum.reduce(mixed)
        np.exp(mixed, out=mixed)
        mixed /= np.add.reduce(mixed)
        return mixed

    def learn(self, symbol: int) -> None:
        """Goes down the gradient of the symbol's code length, once a group is full."""
        self._sets.append(self._present)
        self._symbols.append(symbol)
        if len(self._symbols) < _GROUP:
            return
        actual = self._inputs[np.arange(_GROUP), :, self._symbols]
        expected = np.matmul(self._inputs, self._predicted[:, :, None])[:, :, 0]
        steps = self._rate * (actual - expected)
        for sets, step in zip(self._sets, steps, strict=True):
            for each in sets:
                self.rows[each] += step
        symbols = np.bincount(self._symbols, minlength=len(self.biases))
        expected_symbols = np.add.reduce(self._predicted)
        self._num_expected += expected_symbols
        self.biases += self._symbol_rate * (symbols - expected_symbols) / (1.0 + self._num_expected / _STEADY)
        self._sets.clear()
        self._symbols.clear()


@final
class Adaptation:
    """What was learnt from one text so far.

    Every symbol is told by `learn` after it was predicted by `predict`.

    Attributes:
        has_predicted: whether it has read the first symbol of a text.

    Args:
        num_parts: distributions of the model that does not change.
    """

    def __init__(self, num_parts: int, vocabulary_size: int, settings: AdaptationSettings) -> None:
        self.settings = settings
        self.has_predicted = False
        self._counts = GrowingCounts(vocabulary_size, order=settings.order, most_contexts=settings.most_contexts)
        self._match = LongestMatch()
        static = [1.0] if num_parts == 1 else [0.75, 0.25]
        self._static = _Weights(static, Evidence.NUM, vocabulary_size, settings)
        self._num_parts = num_parts
        # The three kinds of evidence lie in one table, one after the other.
        self._counted_sets = Evidence.NUM
        self._match_sets = self._counted_sets + _EVIDENCE_OF_COUNTS * (settings.order + 1)
        num_sets = self._match_sets + _MATCH_LENGTHS
        self._mixed = _Weights([*static, 0.0, 0.0], num_sets, vocabulary_size, settings)
        self._biases: dict[int, Floats] = {}
        self._no_bias = np.zeros(vocabulary_size)
        self._bias = self._no_bias
        self._row = 0
        self._prediction: Floats = self._no_bias
        self._refined = np.empty(vocabulary_size)

    def predict(self, parts: Sequence[NDArray[Any]], evidence: int) -> Floats:
        """Returns the probabilities of the next symbol, `[vocabulary]`; the next call overwrites them.

        Args:
            parts: the log-probabilities of the parts, `[vocabulary]` each.
            evidence: of the n-gram model, as `Evidence.of` gives it; 0 without one.
        """
        counts, match = self._counts, self._match
        inputs, static = self._mixed.inputs, self._static.inputs
        for index, part in enumerate(parts):
            inputs[index] = static[index] = part
        refined = self._refined
        np.copyto(refined, self._static.predict([evidence]))
        counts.refine(refined)
        np.maximum(refined, _LOWEST, out=refined)
        np.log(refined, out=inputs[-2])
        if match.symbol is None:
            inputs[-1] = 0.0
        else:
            confidence = match.confidence
            inputs[-1] = math.log((1.0 - confidence) / len(refined))
            inputs[-1, match.symbol] = math.log(confidence)
        seen = counts.total
        of_counts = _EVIDENCE_OF_COUNTS * counts.known + (seen > 1) + (seen > 3) + (seen > 15)
        lengths = 0 if match.symbol is None else 1 + min(match.length // 8, _MATCH_LENGTHS - 2)
        sets = [evidence, self._counted_sets + of_counts, self._match_sets + lengths]
        prediction = self._mixed.predict(sets, self._bias)
        prediction *= 1.0 - _SHARE_OF_UNIFORM
        prediction += _SHARE_OF_UNIFORM / len(prediction)
        self._prediction = prediction
        self.has_predicted = True
        return prediction

    def learn(self, symbol: int) -> None:
        """Learns from the symbol that came."""
        rate = self.settings.bias_rate
        if self._bias is self._no_bias:
            self._bias = self._biases[self._row] = np.zeros(len(self._no_bias))
        self._bias -= rate * self._prediction
        self._bias[symbol] += rate
        self._mixed.learn(symbol)
        self._static.learn(symbol)
        generation = self._counts.generation
        self._counts.learn(symbol)
        if self._counts.generation != generation:
            self._match.restart()
        self._read(symbol, key=self._counts.longest_key)

    def begin(self, symbol: int) -> None:
        """Reads a symbol that is not predicted: the first of a text, or the begin of a record."""
        self._counts.restart(symbol)
        self._read(symbol, key=None)

    def follow(self, symbol: int) -> None:
        """Reads a symbol without learning from it."""
        self._counts.read(symbol)
        self._match.follow(symbol, self._counts.longest_key)
        self._find_bias(symbol)

    def frozen(self) -> "Adaptation":
        """Returns one that knows the same and goes on from the same place, to `follow` a text; it must not learn."""
        other = copy.copy(self)
        other._counts, other._match = copy.copy(self._counts), copy.copy(self._match)
        return other

    def learned(self) -> dict[str, NDArray[Any]]:
        """Returns what was learnt of how far to trust what, without the counts of the text; for `start_from`."""
        return {
            "static": self._static.rows.copy(),
            "mixed": self._mixed.rows.copy(),
            "symbols": np.stack([self._static.biases, self._mixed.biases]),
            "matches": np.array(self._match.record),
            "bias_rows": np.array(sorted(self._biases), dtype=np.int64),
            "biases": np.array([self._biases[row] for row in sorted(self._biases)]).reshape(-1, len(self._no_bias)),
        }

    def start_from(self, learned: Mapping[str, NDArray[Any]]) -> None:
        """Goes on from what was learnt from another text; what no adaptation like this learns is a ValueError."""
        num_rows = learned["bias_rows"].size
        for name, array in self.learned().items():
            given = learned[name]
            shape = (num_rows, *array.shape[1:]) if name.startswith("bias") else array.shape
            if given.dtype != array.dtype or given.shape != shape or not (np.abs(given) < _HIGHEST).all():
                raise ValueError(f"{name} is not of an adaptation like this")
        if not (learned["matches"] > 0.0).all():
            raise ValueError("matches are fewer than none")
        if not np.isin(learned["bias_rows"], np.arange(_BIAS_ROWS)).all():
            raise ValueError("bias_rows are not those of symbols")
        self._static.rows[:] = learned["static"]
        self._mixed.rows[:] = learned["mixed"]
        self._static.biases[:], self._mixed.biases[:] = learned["symbols"]
        self._match.record = learned["matches"].tolist()
        self._biases = dict(zip(learned["bias_rows"].tolist(), learned["biases"].copy(), strict=True))

    def _read(self, symbol: int, *, key: int | None) -> None:
        self._match.learn(symbol, key)
        self._find_bias(symbol)

    def _find_bias(self, symbol: int) -> None:
        self._row = symbol % _BIAS_ROWS
        self._bias = self._biases.get(self._row, self._no_bias)
