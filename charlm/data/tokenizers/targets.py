"""Examples of a text for a text: what is read, and then the symbols of what is said, with an end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np

from charlm.data.examples.example import Example
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import BETWEEN, ExampleTokenizer, Symbols, by_count

END = "\n"
"""The name of the label that ends what is said; no other has a line end in it."""
END_NUMBER = 0


@final
class TargetTokenizer(ExampleTokenizer):
    """An example is a begin, the symbols that are read, symbol 1, the symbols that are said, and label 0 as their end.

    Args:
        labels: the symbols that are said, without the end.
        separator: what stands between two of them: a space, or nothing.
    """

    def __init__(self, inner: Tokenizer, *, task: str, labels: Sequence[str], separator: str) -> None:
        super().__init__(inner, task=task, labels=[END, *labels])
        self.separator = separator

    @classmethod
    def collector(cls, *, separator: str = "") -> "TargetCollector":
        """Returns what learns the symbols that are said in a training text."""
        return TargetCollector(separator)

    @classmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes; a ValueError if its separator is none."""
        match values:
            case {"separator": ("" | " ") as separator, **others} if not others:
                return cls(inner, task=task, labels=labels, separator=separator)
            case _:
                raise ValueError("its separator is missing, or there is more")

    def encode_said(self, example: Example) -> Symbols:
        """Returns symbol 1, the symbols that are said, and their end."""
        numbers = [self.number_of(each) for each in split_target(example.said, self.separator)]
        return np.array([BETWEEN, *(self.first_label + number for number in (*numbers, END_NUMBER))])

    def decode_said(self, said: Symbols) -> str:
        """Returns what is said, without its end."""
        return self.separator.join(map(self.label_of, said[1:-1].tolist()))

    def name_numbers(self, numbers: Sequence[int]) -> str:
        """Returns what is said by the numbers of its labels."""
        return self.separator.join(self.labels[number] for number in numbers)

    def named_said(self, decoded: str, given: str) -> str:
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
    """Counts the symbols that are said."""

    def __init__(self, separator: str) -> None:
        self.labels: Counter[str] = Counter()
        self._separator = separator

    def add(self, said: str) -> None:
        """Counts the symbols of one example."""
        self.labels.update(split_target(said, self._separator))

    def learnt(self) -> dict[str, Any]:
        """Returns the symbols, the most common first, and what stands between them."""
        return {"labels": by_count(self.labels), "separator": self._separator}


def split_target(said: str, separator: str) -> list[str]:
    """Returns the symbols of what is said: divided by a separator, or its characters."""
    return said.split(separator) if separator else list(said)
