"""Precision, recall and F1, from the numbers of hits, predictions and true labels or spans."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hits:
    """Counts of labels or spans.

    Attributes:
        true: those that the text has.
        predicted: those that were predicted.
        hits: those of the predicted ones that are right.
    """

    true: int
    predicted: int
    hits: int

    @property
    def precision(self) -> float:
        """Share of the predictions that are right; 0 where there are none."""
        return self.hits / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true ones that were found; 0 where there are none."""
        return self.hits / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 where both are."""
        return 2 * self.hits / (self.true + self.predicted) if self.true + self.predicted else 0.0

    def __add__(self, other: "Hits") -> "Hits":
        """Returns the counts of two texts together."""
        return Hits(self.true + other.true, self.predicted + other.predicted, self.hits + other.hits)
