"""Examples with one label each: the input, and then the label."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer, Symbols, by_count
from charlm.notation import shortened


@final
class LabelTokenizer(ExampleTokenizer):
    """An example is a begin, the symbols of the input, and the symbol of its label."""

    @classmethod
    def collector(cls, *, separator: str = "") -> "LabelCollector":
        """Returns what learns the labels of a training text."""
        return LabelCollector()

    @classmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes; a ValueError if there is more than labels."""
        if values:
            raise ValueError(f"labels have no {next(iter(values))!r:.50}")
        return cls(inner, task=task, labels=labels)

    def encode_target(self, example: Example) -> Symbols:
        """Returns the symbol of the label."""
        return np.array([self.first_label + self.number_of(example.target)])

    def decode_target(self, target: Symbols) -> str:
        """Returns the label."""
        return self.label_of(int(target[0]))

    def named_target(self, decoded: str, given: str) -> str:
        """Returns the label that was encoded."""
        return given

    def show(self, example: Example, scores: NDArray[np.floating[Any]]) -> str:
        """Returns the input, the likeliest label, and the true one where it is another."""
        label = self.labels[int(scores[0].argmax())]
        truth = "" if label == example.target else f" (it is {example.target})"
        return f"{shortened(example.input)}: {label}{truth}"

    def inputs_of(self, example: Symbols) -> Symbols:
        """Returns all symbols but the label's."""
        return example[:-1]


@final
class LabelCollector:
    """Counts labels."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()

    def add(self, target: str) -> None:
        """Counts the label of one example."""
        self.labels[target] += 1

    def learnt(self) -> dict[str, Any]:
        """Returns the labels, the most common first."""
        return {"labels": by_count(self.labels)}
