"""Naive Bayes on n-grams of characters: a classifier without memory, to compare networks with."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example

_LONGEST = 4
_ADDED = 0.1
"""Added to every count; with n-grams of up to four characters the best of 0.03, 0.1, 0.3 and 1 on surnames."""


@final
class NaiveBayes:
    """A multinomial model of the n-grams of each label's texts (Manning, Raghavan and Schütze 2008, chapter 13).

    Args:
        examples: what it is counted on; at least one.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        numbers: dict[str, int] = {}
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        examples_of: Counter[int] = Counter()
        for example in examples:
            label = numbers.setdefault(example.target, len(numbers))
            examples_of[label] += 1
            for gram in _grams(example.input):
                counts[gram][label] += 1
        self.labels = tuple(numbers)
        totals, priors = np.zeros(len(numbers)), np.zeros(len(numbers))
        for of_gram in counts.values():
            for label, count in of_gram.items():
                totals[label] += count
        for label, count in examples_of.items():
            priors[label] = count
        self._log_priors = np.log(priors / priors.sum())
        # What an n-gram weighs under a label that it was never seen with; those seen with it weigh more.
        self._log_unseen = np.log(_ADDED) - np.log(totals + _ADDED * len(counts))
        self._more = {gram: _weights(of_gram) for gram, of_gram in counts.items()}

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Returns the likeliest label of each text."""
        return [self.labels[int(self._scores(text).argmax())] for text in texts]

    def _scores(self, text: str) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = self._log_priors.copy()
        for gram in _grams(text):
            known = self._more.get(gram)
            if known is not None:
                scores += self._log_unseen
                scores[known[0]] += known[1]
        return scores


def _weights(counts: Counter[int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    labels = np.array(list(counts.keys()), dtype=np.int64)
    return labels, np.log((np.array(list(counts.values())) + _ADDED) / _ADDED)


def _grams(text: str) -> Iterator[str]:
    """Yields the n-grams of a text with its ends marked, one character up to the longest."""
    marked = f"\x02{text}\x03"
    for length in range(1, _LONGEST + 1):
        for start in range(len(marked) - length + 1):
            yield marked[start : start + length]
