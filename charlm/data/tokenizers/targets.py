"""Examples of a text for a text: the input, and then the symbols of the target, with an end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np

from charlm.data.examples.example import Example
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import BETWEEN, ExampleTokenizer, Symbols, by_count

END = "\n"
"""The name of the label that ends a target; no other has a line end in it."""
END_NUMBER = 0


@final
class TargetTokenizer(ExampleTokenizer):
    """An example is a begin, the symbols of the input, symbol 1, those of the target, and label 0 as their end.

    Args:
        labels: the symbols of targets, without the end.
        separator: what stands between two of them: a space, or nothing.
    """

    def __init__(self, inner: Tokenizer, *, task: str, labels: Sequence[str], separator: str) -> None:
        super().__init__(inner, task=task, labels=[END, *labels])
        self.separator = separator

    @classmethod
    def collector(cls, *, separator: str = "") -> "TargetCollector":
        """Returns what learns the symbols of the targets of a training text."""
        return TargetCollector(separator)

    @classmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes; a ValueError if its separator is none."""
        match values:
            case {"separator": ("" | " ") as separator, **others} if not others:
                return cls(inner, task=task, labels=labels, separator=separator)
            case _:
                raise ValueError("its separator is missing, or there is more")

    def encode_target(self, example: Example) -> Symbols:
        """Returns symbol 1, the symbols of the target, and their end."""
        numbers = [self.number_of(each) for each in split_target(example.target, self.separator)]
        return np.array([BETWEEN, *(self.first_label + number for number in (*numbers, END_NUMBER))])

    def decode_target(self, target: Symbols) -> str:
        """Returns the target, without its end."""
        return self.separator.join(map(self.label_of, target[1:-1].tolist()))

    def name_numbers(self, numbers: Sequence[int]) -> str:
        """Returns the target of these numbers of labels."""
        return self.separator.join(self.labels[number] for number in numbers)

    def named_target(self, decoded: str, given: str) -> str:
        """Returns what was encoded."""
        return given

    def inputs_of(self, example: Symbols) -> Symbols:
        """Returns the symbols before the first symbol 1."""
        return example[: int((example == BETWEEN).argmax())]

    def to_json(self) -> Mapping[str, Any]:
        """Returns the JSON of all tokenizers of examples, and the separator."""
        return {**super().to_json(), "labels": list(self.labels[1:]), "separator": self.separator}


@final
class TargetCollector:
    """Counts the symbols of targets."""

    def __init__(self, separator: str) -> None:
        self.labels: Counter[str] = Counter()
        self._separator = separator

    def add(self, target: str) -> None:
        """Counts the symbols of one example."""
        self.labels.update(split_target(target, self._separator))

    def learnt(self) -> dict[str, Any]:
        """Returns the symbols, the most common first, and what stands between them."""
        return {"labels": by_count(self.labels), "separator": self._separator}


def split_target(target: str, separator: str) -> list[str]:
    """Returns the symbols of a target: divided by a separator, or its characters."""
    return target.split(separator) if separator else list(target)
