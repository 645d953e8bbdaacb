"""Examples of a task: any tokenizer for what is read, plus a symbol for each label that can be said."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example, parse_line
from charlm.data.tokenizers.base import Tokenizer, Tokens, smallest_type
from charlm.tasks import TASKS, Outputs

_BEGIN, _END = 0, 1
_NUM_SPECIAL = 2
MOST_LABELS = 1 << 16


@final
class ExampleTokenizer(Tokenizer):
    """Symbol 0 begins an example, symbol 1 is between its sides; the symbols of `inner` follow, then the labels.

    The last symbol stands for every label that is none of `labels`.

    Attributes:
        task: the name of the task.
        labels: in the order of their symbols.
        first_label: the symbol of the first of them.
    """

    begin = _BEGIN
    end = _END

    def __init__(self, inner: Tokenizer, *, task: str, labels: Sequence[str]) -> None:
        assert inner.begin is None, "examples of records"
        assert 0 < len(set(labels)) == len(labels) <= MOST_LABELS, "labels repeat, or there are none or too many"
        self._inner = inner
        self.task = task
        self.labels = tuple(labels)
        self.kind = inner.kind
        self.first_label = len(inner.pieces) + _NUM_SPECIAL
        self.pieces = [b"", b"\t", *inner.pieces, *(f"\t{label}\n".encode() for label in labels), b"\t\n"]
        self.unknown = None if inner.unknown is None else inner.unknown + _NUM_SPECIAL
        self.outputs = Outputs(len(labels), TASKS[task].head)
        self._symbols = {label: self.first_label + index for index, label in enumerate(labels)}
        self._dtype = smallest_type(self.vocabulary_size)

    @property
    def unknown_label(self) -> int:
        """The symbol of every label that is none of `labels`."""
        return self.vocabulary_size - 1

    @property
    def label_symbols(self) -> range:
        """The symbols of all labels, that of unknown ones last."""
        return range(self.first_label, self.vocabulary_size)

    def targets_of(self, symbols: NDArray[np.int64], *, ignored: int) -> NDArray[np.int64]:
        """Returns the numbers of labels, from 0, for their symbols; `ignored` for one that is not known."""
        return np.where(symbols == self.unknown_label, ignored, symbols - self.first_label)

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of the examples in the lines of `text`."""
        return np.concatenate([np.empty(0, self._dtype), *self.encode_stream([text])])

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[Tokens]:
        """Yields the symbols of whole lines, which no piece may cut."""
        for chunk in chunks:
            examples = [parse_line(line) for line in chunk.split("\n") if line]
            yield self._encode_examples(examples)

    def encode_inputs(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Returns the symbols of what is read in each example, from its begin on."""
        symbols, lengths = self._inner.encode_each(texts)
        parts = np.split(symbols.astype(np.int64) + _NUM_SPECIAL, np.cumsum(lengths)[:-1])
        return [np.concatenate([[_BEGIN], part]) for part in parts[: len(texts)]]

    def inputs_of(self, example: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the symbols that are read of an example's, the begin first."""
        return example[:-1]

    def decode_example(self, example: NDArray[np.int64]) -> Example:
        """Returns an example from its symbols; what the vocabulary lacks is U+FFFD, or <unknown label>."""
        read = self._inner.decode((self.inputs_of(example)[1:] - _NUM_SPECIAL).tolist())
        return Example(read, self.symbol_name(int(example[-1])))

    def _encode_examples(self, examples: Sequence[Example]) -> Tokens:
        if not examples:
            return np.empty(0, self._dtype)
        inputs = self.encode_inputs([example.read for example in examples])
        labels = ([self._symbols.get(example.said, self.unknown_label)] for example in examples)
        symbols = [part for example in zip(inputs, labels, strict=True) for part in example]
        return np.concatenate(symbols).astype(self._dtype)

    def scored_text(self, piece: str) -> str:
        """Returns what is read in some lines, with the line ends."""
        return "".join(f"{parse_line(line).read}\n" for line in piece.split("\n") if line)

    def can_be_target(self) -> NDArray[np.bool_]:
        """Returns for each symbol whether it is a label that is known."""
        can = np.zeros(self.vocabulary_size, dtype=np.bool_)
        can[self.first_label : self.unknown_label] = True
        return can

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        return self._inner.unknown_characters(text)

    def symbol_name(self, token: int) -> str:
        """Returns <begin>, <tab>, the name of an inner symbol, or a label."""
        if token < _NUM_SPECIAL:
            return ("<begin>", "<tab>")[token]
        if token < self.first_label:
            return self._inner.symbol_name(token - _NUM_SPECIAL)
        return "<unknown label>" if token == self.unknown_label else self.labels[token - self.first_label]

    def to_json(self) -> Mapping[str, Any]:
        """Returns the JSON of the inner tokenizer, the task and the labels."""
        return {"kind": "examples", "task": self.task, "inner": self._inner.to_json(), "labels": list(self.labels)}


@final
class LabelCounts:
    """Counts labels while it passes the other side of the examples on."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def passing(self, chunks: Iterable[str]) -> Iterator[str]:
        """Yields what is read, and counts what is said."""
        for chunk in chunks:
            examples = [parse_line(line) for line in chunk.split("\n") if line]
            self.counts.update(example.said for example in examples)
            yield "".join(example.read for example in examples)

    def most_common(self) -> list[str]:
        """Returns the labels, the most common first."""
        return sorted(self.counts, key=lambda label: (-self.counts[label], label))
