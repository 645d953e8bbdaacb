"""How often labels are right: shares with their intervals, and precision, recall and F1 of each label."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from charlm.evaluation.hits import Hits

_Z = 1.959964
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True)
class Share:
    """A share of some trials, with a 95 % interval (Wilson 1927)."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN without trials."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval; 0 and 1 without trials."""
        if not self.trials:
            return 0.0, 1.0
        spread = _Z**2 / self.trials
        middle = (self.value + spread / 2) / (1 + spread)
        width = math.sqrt(self.value * (1 - self.value) * spread + spread**2 / 4) / (1 + spread)
        return max(0.0, middle - width), min(1.0, middle + width)


@dataclass(frozen=True)
class LabelRow(Hits):
    """How well one label is found: examples that have it, that it was predicted for, and of both kinds."""

    label: str


@dataclass(frozen=True)
class LabelScore:
    """How well labels are predicted.

    Attributes:
        rows: of every label that is true or predicted somewhere, the most frequent first.
        confusion: how often each pair of the true and the predicted label occurs.
    """

    accuracy: Share
    rows: tuple[LabelRow, ...]
    confusion: dict[tuple[str, str], int]

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels that the examples have."""
        scores = [row.f1 for row in self.rows if row.true]
        return sum(scores) / len(scores) if scores else math.nan


def score_labels(true: Sequence[str], predicted: Sequence[str]) -> LabelScore:
    """Returns how well `predicted` agrees with `true`, label by label."""
    confusion = Counter(zip(true, predicted, strict=True))
    support, guesses = Counter(true), Counter(predicted)
    rows = [
        LabelRow(support[label], guesses[label], confusion[label, label], label)
        for label in sorted(support | guesses, key=lambda label: (-support[label], label))
    ]
    hits = sum(row.hits for row in rows)
    return LabelScore(Share(hits, len(true)), tuple(rows), dict(confusion))
