"""A model that learns from every symbol after it has predicted it: score first, update after.

Its prediction is log-linear, p ~ exp(sum of w_k log p_k + b), over

- the distributions of a model that does not change: a network's, an n-gram model's or both;
- the same, mixed, as the counts of the text read so far refine them (charlm/ngrams/growing.py);
- what followed the longest earlier stretch that is like the present end of the text;
- how much more often each symbol came lately than that model expected;
- what followed each of some contexts the last time: the last few symbols, and the place in the line.

The weights w are sums of one vector for each kind of evidence: how much the n-gram model has seen of the context, how
much the growing counts have, how long the match is, the last symbol, and the place in the line. They and the biases b
take a gradient step on every symbol's code length (Mattern 2012, geometric mixing; Mahoney 2005, PAQ8). There is a
bias for each pair of neighbouring symbols, and one for each symbol wherever it stands, whose steps get shorter the more
often it was expected: a text of another kind has other frequent symbols. A distribution over all symbols is normalised,
always, so that the code lengths are those of a code.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.growing import GrowingCounts
from charlm.ngrams.lines import Lines
from charlm.ngrams.matching import LongestMatch
from charlm.stepping.guesses import Guesses
from charlm.stepping.log_linear import FIRST_SQUARE, Floats, LogLinearWeights, RecentFrequencies

_ROWS = 1024
"""Biases and weights by the last symbol, in a large vocabulary shared by several."""
_EVIDENCE_OF_COUNTS = 4
_MATCH_LENGTHS = 5
_GUESSING = 4
"""Contexts of 1, 2, … symbols that guess what followed the last time, beside the place in the line."""
_HIGHEST = 1e12
"""Of what is learnt: far more than weights, biases and numbers of matches come to."""


@dataclass(frozen=True)
class AdaptationSettings:
    """How fast an adaptive model learns.

    Attributes:
        weight_rate: of the weights.
        bias_rate: of the biases.
        order: one more than the symbols of the longest contexts that are counted.
        most_contexts: counted at the same time.
        symbol_rate: of the biases of symbols wherever they stand, for those that were not expected yet.
    """

    weight_rate: float = 0.025
    bias_rate: float = 0.03
    order: int = 6
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
class Adaptation:
    """What was learnt from one text so far.

    Every symbol is told by `learn` after it was predicted by `predict`.

    Attributes:
        has_predicted: whether it has read the first symbol of a text.

    Args:
        num_parts: distributions of the model that does not change.
        line_end: the symbol that ends a line; None where none does.
    """

    def __init__(
        self, num_parts: int, vocabulary_size: int, settings: AdaptationSettings, *, line_end: int | None = None
    ) -> None:
        self.settings = settings
        self.has_predicted = False
        self._counts = GrowingCounts(vocabulary_size, order=settings.order, most_contexts=settings.most_contexts)
        self._match = LongestMatch()
        self._lines = Lines(line_end)
        self._guesses = Guesses(_GUESSING + 1)
        self._frequencies = RecentFrequencies(vocabulary_size)
        static = [1.0] if num_parts == 1 else [0.75, 0.25]
        weights = partial(
            LogLinearWeights,
            vocabulary_size=vocabulary_size,
            num_first=Evidence.NUM,
            rate=settings.weight_rate,
            symbol_rate=settings.symbol_rate,
        )
        self._static = weights(static, num_sets=Evidence.NUM)
        # The kinds of evidence lie in one table, one after the other.
        self._of_counts = Evidence.NUM
        self._of_match = self._of_counts + _EVIDENCE_OF_COUNTS * (settings.order + 1)
        self._of_place = self._of_match + _MATCH_LENGTHS
        self._of_row = self._of_place + Lines.NUM_PLACES
        num_sets = self._of_row + _ROWS
        self._mixed = weights([*static, 0.0, 0.0, 0.0], num_sets=num_sets, num_guesses=_GUESSING + 1)
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
        counts, match, lines = self._counts, self._match, self._lines
        inputs, static = self._mixed.inputs, self._static.inputs
        static[:] = parts
        inputs[: len(static)] = static
        refined, expected = self._refined, self._static.predict([evidence])
        np.copyto(refined, expected)
        counts.refine(refined)
        np.log(refined, out=inputs[-3])
        if match.symbol is None:
            inputs[-2] = 0.0
        else:
            confidence = match.confidence
            inputs[-2] = math.log((1.0 - confidence) / len(refined))
            inputs[-2, match.symbol] = math.log(confidence)
        inputs[-1] = self._frequencies.logarithms
        guessed = self._guesses.predict([*counts.latest(_GUESSING), lines.latest], expected)
        seen = counts.total
        contexts = _EVIDENCE_OF_COUNTS * counts.known + (seen > 1) + (seen > 3) + (seen > 15)
        length = 0 if match.symbol is None else 1 + min(match.length // 8, _MATCH_LENGTHS - 2)
        sets = [
            evidence,
            self._of_counts + contexts,
            self._of_match + length,
            self._of_place + lines.place,
            self._of_row + self._row,
        ]
        prediction = self._mixed.predict(sets, self._bias, guessed)
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
        group = self._static.learn(symbol)
        if group is not None:
            self._frequencies.add(*group)
        self._guesses.learn(symbol)
        self._lines.learn(symbol)
        generation = self._counts.generation
        self._counts.learn(symbol)
        if self._counts.generation != generation:
            self._match.restart()
        self._read(symbol, key=self._counts.longest_key)

    def begin(self, symbol: int) -> None:
        """Reads a symbol that is not predicted: the first of a text, or the begin of a record."""
        self._counts.restart(symbol)
        self._lines.restart()
        self._read(symbol, key=None)

    def follow(self, symbol: int) -> None:
        """Reads a symbol without learning from it."""
        self._counts.read(symbol)
        self._lines.read(symbol)
        self._match.follow(symbol, self._counts.longest_key)
        self._find_bias(symbol)

    def frozen(self) -> "Adaptation":
        """Returns one that knows the same and goes on from the same place, to `follow` a text; it must not learn."""
        other = copy.copy(self)
        other._counts, other._match = copy.copy(self._counts), copy.copy(self._match)
        other._lines = copy.copy(self._lines)
        return other

    def learned(self) -> dict[str, NDArray[Any]]:
        """Returns what was learnt of how far to trust what, without the counts of the text; for `start_from`."""
        return {
            "static": np.stack([self._static.rows, self._static.squares]),
            "mixed": np.stack([self._mixed.rows, self._mixed.squares]),
            "symbols": np.stack([self._static.biases, self._mixed.biases]),
            "matches": np.array(self._match.record),
            "guesses": self._guesses.record,
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
        if not (learned["guesses"] > 0.0).all():
            raise ValueError("guesses are fewer than none")
        for name in ("static", "mixed"):
            if not (learned[name][1] >= FIRST_SQUARE).all():
                raise ValueError(f"{name} is not of gradients")
        if not np.isin(learned["bias_rows"], np.arange(_ROWS)).all():
            raise ValueError("bias_rows are not those of symbols")
        self._static.rows[:], self._static.squares[:] = learned["static"]
        self._mixed.rows[:], self._mixed.squares[:] = learned["mixed"]
        self._static.biases[:], self._mixed.biases[:] = learned["symbols"]
        self._match.record = learned["matches"].tolist()
        self._guesses.record = learned["guesses"]
        self._biases = dict(zip(learned["bias_rows"].tolist(), learned["biases"].copy(), strict=True))

    def _read(self, symbol: int, *, key: int | None) -> None:
        self._match.learn(symbol, key)
        self._find_bias(symbol)

    def _find_bias(self, symbol: int) -> None:
        self._row = symbol % _ROWS
        self._bias = self._biases.get(self._row, self._no_bias)
