"""Examples whose label comes first, and whose text is what is predicted."""

import difflib
from collections.abc import Mapping
from copy import copy
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.data.tokenizers.examples import BEGIN, BETWEEN, ExampleTokenizer, Symbols
from charlm.data.tokenizers.labels import LabelCollector
from charlm.errors import ConfigError, DataError
from charlm.notation import quoted

_MOST_LISTED = 20
_END = BETWEEN


@final
class ConditionTokenizer(ExampleTokenizer):
    """An example is a begin, the symbol of its condition, the symbols of its text, and symbol 1 as its end.

    The text is what is predicted, so that a model is a language model of the whole vocabulary.
    """

    num_given = 2

    def __init__(self, inner: Tokenizer, *, task: str, labels: list[str]) -> None:
        super().__init__(inner, task=task, labels=labels)
        self.pieces = [b"", b"\n", *self.pieces[2:]]
        self._condition: int | None = None

    @classmethod
    def collector(cls, *, separator: str = "") -> LabelCollector:
        """Returns what learns the conditions of a training text."""
        return LabelCollector()

    @classmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes; a ValueError if there is more than labels."""
        if values:
            raise ValueError(f"conditions have no {next(iter(values))!r:.50}")
        return cls(inner, task=task, labels=labels)

    @property
    def num_unknown_characters(self) -> int:
        """Number of Unicode characters that the unknown symbol may stand for."""
        return self._inner.num_unknown_characters

    def given(self, condition: str | None) -> Tokenizer:
        """Returns the tokenizer whose prompts begin with a condition.

        Raises:
            ConfigError: there is none.
            DataError: the model has not learnt it.
        """
        if condition is None:
            listed = ", ".join(self.labels[:_MOST_LISTED]) + (", …" if len(self.labels) > _MOST_LISTED else "")
            raise ConfigError(f"The model writes on a condition; name one with --condition: {listed}.")
        if condition not in self.labels:
            near = difflib.get_close_matches(condition, self.labels, n=3, cutoff=0.0)
            raise DataError(f"The model has not learnt the condition {quoted(condition)}; nearest: {', '.join(near)}.")
        conditioned = copy(self)
        conditioned._condition = self.first_label + self.number_of(condition)
        return conditioned

    def encode_prompt(self, text: str) -> Tokens:
        """Returns the begin, the condition, and the symbols of a text that goes on."""
        if self._condition is None:
            self.given(None)
        symbols = np.concatenate([[BEGIN, self._condition or BEGIN], self.encode_inputs([text])[0][1:]])
        return symbols.astype(self._dtype)

    def encode_example(self, inputs: Symbols, example: Example) -> Symbols:
        """Returns the symbols of an example."""
        return np.concatenate([[BEGIN], self.encode_target(example), inputs[1:], [_END]])

    def conditioned(self, inputs: Symbols, label: int) -> Symbols:
        """Returns the symbols of an example on the condition of a label's number, from those of `encode_inputs`."""
        return np.concatenate([[BEGIN, self.first_label + label], inputs[1:], [_END]])

    def encode_target(self, example: Example) -> Symbols:
        """Returns the symbol of the condition."""
        return np.array([self.first_label + self.number_of(example.target)])

    def inputs_of(self, example: Symbols) -> Symbols:
        """Returns the begin and the symbols of the text."""
        return np.concatenate([example[:1], example[2:-1]])

    def decode_example(self, example: Symbols) -> Example:
        """Returns an example from its symbols."""
        return Example(self.decode_inputs(self.inputs_of(example)), self.decode_target(example[1:2]))

    def decode_target(self, target: Symbols) -> str:
        """Returns the condition."""
        return self.label_of(int(target[0]))

    def named_target(self, decoded: str, given: str) -> str:
        """Returns the condition that was encoded."""
        return given

    def can_be_target(self) -> NDArray[np.bool_]:
        """Returns for each symbol whether it is of a text, or its end."""
        places = np.arange(self.vocabulary_size)
        can: NDArray[np.bool_] = (places != BEGIN) & (places < self.first_label)
        return can
