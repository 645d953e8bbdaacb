"""Examples of a task: any tokenizer for their inputs, plus symbols for the labels that their targets are made of."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example, parse_line
from charlm.data.tokenizers.base import Tokenizer, Tokens, smallest_type
from charlm.tasks import TASKS, Outputs

BEGIN, BETWEEN = 0, 1
NUM_SPECIAL = 2
MOST_LABELS = 1 << 16
UNKNOWN_LABEL = "<unknown label>"

Symbols = NDArray[np.int64]


class Collector(Protocol):
    """Learns from the targets of the training part."""

    @property
    def labels(self) -> Mapping[str, int]:
        """How often each label occurs."""

    def add(self, target: str) -> None:
        """Counts the labels of one example."""

    def learnt(self) -> dict[str, Any]:
        """Returns the arguments of the tokenizer beside the inner one and the task."""


class ExampleTokenizer(Tokenizer, ABC):
    """Symbol 0 begins an example, symbol 1 is between its sides; the symbols of `inner` follow, then those of labels.

    The last symbol of a block of labels stands for every label that is none of `labels`. A class below it says how a
    target becomes symbols, and takes what its collector learns as arguments.

    Attributes:
        task: the name of the task.
        labels: in the order of their symbols.
        first_label: the symbol of the first of them.
        num_blocks: how many symbols each label has.
    """

    begin = BEGIN
    end = BETWEEN
    num_blocks: ClassVar[int] = 1

    def __init__(self, inner: Tokenizer, *, task: str, labels: Sequence[str]) -> None:
        assert inner.begin is None, "examples of records"
        assert 0 < len(set(labels)) == len(labels) <= MOST_LABELS, "labels repeat, or there are none or too many"
        self._inner = inner
        self.task = task
        self.labels = tuple(labels)
        self.kind = inner.kind
        self.first_label = len(inner.pieces) + NUM_SPECIAL
        block = [*(f"\t{label}\n".encode() for label in labels), b"\t\n"]
        self.pieces = [b"", b"\t", *inner.pieces, *(block * self.num_blocks)]
        self.unknown = None if inner.unknown is None else inner.unknown + NUM_SPECIAL
        head = TASKS[task].head
        self.outputs = None if head is None else Outputs(len(labels), head)
        self._numbers = {label: index for index, label in enumerate(labels)}
        self._dtype = smallest_type(self.vocabulary_size)

    @classmethod
    @abstractmethod
    def collector(cls, *, separator: str = "") -> Collector:
        """Returns what learns the labels of a training text.

        Args:
            separator: what stands between two labels of a target of several; nothing between characters.
        """

    @classmethod
    @abstractmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes.

        Args:
            values: what `to_json` adds to the task, the inner tokenizer and the labels.

        Raises:
            ValueError: they are not what was written.
        """

    @abstractmethod
    def encode_target(self, example: Example) -> Symbols:
        """Returns the symbols of the target, which follow those of the input."""

    @abstractmethod
    def decode_target(self, target: Symbols) -> str:
        """Returns the target of these symbols; a label that is not known is UNKNOWN_LABEL."""

    @abstractmethod
    def named_target(self, decoded: str, given: str) -> str:
        """Returns what `decode_target` gave, with the labels of the text that was encoded, known or not."""

    @abstractmethod
    def inputs_of(self, example: Symbols) -> Symbols:
        """Returns the symbols of an example's input, the begin first."""

    def number_of(self, label: str) -> int:
        """Returns the number of a label, from 0; `len(labels)` for one that is not known."""
        return self._numbers.get(label, len(self.labels))

    def targets_of(self, symbols: Symbols, *, ignored: int) -> Symbols:
        """Returns the numbers of labels for their symbols; `ignored` for one that is not known, or is none."""
        numbers = (symbols - self.first_label) % (len(self.labels) + 1)
        return np.where((symbols < self.first_label) | (numbers == len(self.labels)), ignored, numbers)

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of the examples in the lines of `text`."""
        return np.concatenate([np.empty(0, self._dtype), *self.encode_stream([text])])

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[Tokens]:
        """Yields the symbols of whole lines, which no piece may cut."""
        for chunk in chunks:
            examples = [parse_line(line) for line in chunk.split("\n") if line]
            inputs = self.encode_inputs([example.input for example in examples])
            symbols = [self.encode_example(*each) for each in zip(inputs, examples, strict=True)]
            yield np.concatenate([np.empty(0, np.int64), *symbols]).astype(self._dtype)

    def encode_example(self, inputs: Symbols, example: Example) -> Symbols:
        """Returns the symbols of an example; `inputs` are those of its input, the begin first."""
        return np.concatenate([inputs, self.encode_target(example)])

    def encode_inputs(self, texts: Sequence[str]) -> list[Symbols]:
        """Returns the symbols of the input of each example, from its begin on."""
        symbols, lengths = self._inner.encode_each(texts)
        parts = np.split(symbols.astype(np.int64) + NUM_SPECIAL, np.cumsum(lengths)[:-1])
        return [np.concatenate([[BEGIN], part]) for part in parts[: len(texts)]]

    def decode_example(self, example: Symbols) -> Example:
        """Returns an example from its symbols; what the vocabulary lacks is U+FFFD, or UNKNOWN_LABEL."""
        inputs = self.inputs_of(example)
        return Example(self.decode_inputs(inputs), self.decode_target(example[len(inputs) :]))

    def decode_inputs(self, inputs: Symbols) -> str:
        """Returns the text of the symbols of an input, the begin first."""
        return self._inner.decode((inputs[1:] - NUM_SPECIAL).tolist())

    def label_of(self, symbol: int) -> str:
        """Returns the label of a symbol; UNKNOWN_LABEL for the one of all that are not known."""
        number = (symbol - self.first_label) % (len(self.labels) + 1)
        return UNKNOWN_LABEL if number == len(self.labels) else self.labels[number]

    def label_counts(self, counts: Symbols) -> Symbols:
        """Returns how often each label occurs, the unknown ones last, from the counts of all symbols."""
        blocks: Symbols = counts[self.first_label :].reshape(self.num_blocks, -1).sum(axis=0)
        return blocks

    def scored_text(self, piece: str) -> str:
        """Returns the inputs in some lines, with the line ends."""
        return "".join(f"{parse_line(line).input}\n" for line in piece.split("\n") if line)

    def can_be_target(self) -> NDArray[np.bool_]:
        """Returns for each symbol whether it is a label that is known."""
        return self.targets_of(np.arange(self.vocabulary_size), ignored=-1) >= 0

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        return self._inner.unknown_characters(text)

    def symbol_name(self, token: int) -> str:
        """Returns <begin>, <tab>, the name of an inner symbol, or a label."""
        if token < NUM_SPECIAL:
            return ("<begin>", "<tab>")[token]
        return self._inner.symbol_name(token - NUM_SPECIAL) if token < self.first_label else self.label_of(token)

    def to_json(self) -> Mapping[str, Any]:
        """Returns the JSON of the inner tokenizer, the task and the labels."""
        return {"kind": "examples", "task": self.task, "inner": self._inner.to_json(), "labels": list(self.labels)}


def by_count(counts: Mapping[str, int]) -> list[str]:
    """Returns labels, the most common first."""
    return sorted(counts, key=lambda label: (-counts[label], label))


def read_sides(chunks: Iterable[str], collector: Collector) -> Iterator[str]:
    """Yields the inputs of examples that arrive as lines, and gives the targets to a collector."""
    for chunk in chunks:
        examples = [parse_line(line) for line in chunk.split("\n") if line]
        for example in examples:
            collector.add(example.target)
        yield "".join(example.input for example in examples)
