"""Examples with a tag for every symbol: the input, and then as many tags."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example
from charlm.data.examples.segments import Segment, parse_segments, write_segments
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import BETWEEN, UNKNOWN_LABEL, ExampleTokenizer, Symbols, by_count

_SHOWN = 60
"""Characters of an example that are shown with their tags."""

Transition = tuple[int | None, int]
"""The numbers of two tags that follow one another; None before the first one of an example."""


@final
class TagTokenizer(ExampleTokenizer):
    """An example is a begin, the symbols of the input, symbol 1, and a symbol for the tag of each.

    A tag has two symbols, one where a token begins and one where it goes on; a symbol between tokens has symbol 1.

    Args:
        transitions: the tags that followed one another in training.
    """

    num_blocks = 2

    def __init__(
        self, inner: Tokenizer, *, task: str, labels: Sequence[str], transitions: Iterable[Transition]
    ) -> None:
        super().__init__(inner, task=task, labels=labels)
        self.transitions = frozenset(transitions)

    @classmethod
    def collector(cls, *, separator: str = "") -> "TagCollector":
        """Returns what learns the tags of a training text."""
        return TagCollector()

    @classmethod
    def from_values(cls, inner: Tokenizer, *, task: str, labels: list[str], values: Mapping[str, Any]) -> Self:
        """Returns the tokenizer that a file describes; a ValueError if its transitions are not of its labels."""
        match values:
            case {"transitions": list(pairs), **others} if not others and len(pairs) <= (len(labels) + 1) ** 2:
                numbers = range(len(labels))
                for pair in pairs:
                    if not (isinstance(pair, list) and len(pair) == 2):
                        raise ValueError("a transition is no pair")
                    is_first = pair[0] is None or (type(pair[0]) is int and pair[0] in numbers)
                    if not (is_first and type(pair[1]) is int and pair[1] in numbers):
                        raise ValueError("a transition is not of its labels")
                return cls(inner, task=task, labels=labels, transitions=((first, then) for first, then in pairs))
            case _:
                raise ValueError("its transitions are missing, or there is more")

    def encode_target(self, example: Example) -> Symbols:
        """Returns symbol 1 and the tags' symbols."""
        size = len(self.labels) + 1
        found = [BETWEEN]
        for length, tag in parse_segments(example.target):
            if tag is None:
                found += [BETWEEN] * length
            else:
                first = self.first_label + self.number_of(tag)
                found += [first] + [first + size] * (length - 1)
        symbols = np.array(found)
        _, widths = self._inner.encode_each(list(example.input))
        if len(widths) != int(widths.sum()):  # Bytes: each has the tag of its character.
            symbols = np.concatenate([symbols[:1], _widened(symbols[1:], widths, size, self.first_label)])
        return symbols

    def first_symbols(self, text: str) -> Symbols:
        """Returns the place of the first symbol of each character, and of the end, int64 `[characters + 1]`."""
        _, widths = self._inner.encode_each(list(text))
        return np.concatenate([[0], np.cumsum(widths)])

    def in_symbols(self, text: str, segments: Iterable[Segment]) -> list[Segment]:
        """Returns the segments of a text with their lengths in symbols, which may be bytes."""
        ends = self.first_symbols(text)
        found, start = [], 0
        for length, tag in segments:
            found.append(Segment(int(ends[start + length] - ends[start]), tag))
            start += length
        return found

    def decode_target(self, target: Symbols) -> str:
        """Returns the segments; of symbols, which are bytes where the inner tokenizer's are."""
        return write_segments(self.segments_of(target))

    def show(self, example: Example, scores: NDArray[np.floating[Any]]) -> str:
        """Returns the beginning of the input, in tokens with their likeliest tags; segments are in symbols."""
        numbers, places = scores[1:].argmax(axis=1), self.first_symbols(example.input)
        found, start = [], 0
        for length, tag in parse_segments(example.target):
            first, stop = np.searchsorted(places, (start, start + length)).tolist()
            if tag is not None and first < _SHOWN:
                found.append(f"{example.input[first:stop].strip()}/{self.labels[int(numbers[start])]}")
            start += length
        return " ".join(" ".join(found).split())

    def named_target(self, decoded: str, given: str) -> str:
        """Returns the segments, their lengths in symbols, with the tags that were encoded."""
        pairs = zip(parse_segments(decoded), parse_segments(given), strict=True)
        return write_segments(Segment(one.length, other.tag) for one, other in pairs)

    def segments_of(self, target: Symbols) -> list[Segment]:
        """Returns the segments of a target, in symbols."""
        segments: list[Segment] = []
        size = len(self.labels) + 1
        for symbol in target[1:].tolist():
            if symbol == BETWEEN:
                segments.append(Segment(1, None))
            elif symbol < self.first_label + size or not segments:
                segments.append(Segment(1, self.label_of(symbol)))
            else:
                segments[-1] = Segment(segments[-1].length + 1, segments[-1].tag)
        return segments

    def inputs_of(self, example: Symbols) -> Symbols:
        """Returns the symbols before the first symbol 1."""
        return example[: int((example == BETWEEN).argmax())]

    def can_follow(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns which tags may be first, `[labels]`, and which may follow which, `[before, after]`."""
        first, then = np.zeros(len(self.labels), np.bool_), np.zeros((len(self.labels),) * 2, np.bool_)
        for before, after in self.transitions:
            if before is None:
                first[after] = True
            else:
                then[before, after] = True
        return first, then

    def to_json(self) -> Mapping[str, Any]:
        """Returns the JSON of all tokenizers of examples, and the transitions."""
        ranked = sorted(self.transitions, key=lambda pair: (-1 if pair[0] is None else pair[0], pair[1]))
        return {**super().to_json(), "transitions": [list(pair) for pair in ranked]}


@final
class TagCollector:
    """Counts the characters of tags, and notes which tags follow one another."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self._pairs: set[tuple[str | None, str]] = set()

    def add(self, target: str) -> None:
        """Counts the tags of one example."""
        tagged = [segment for segment in parse_segments(target) if segment.tag is not None]
        tags = [segment.tag for segment in tagged if segment.tag is not None]
        for length, tag in tagged:
            self.labels[tag or UNKNOWN_LABEL] += length
        self._pairs.update(pairwise(tags))
        if tags:
            self._pairs.add((None, tags[0]))

    def learnt(self) -> dict[str, Any]:
        """Returns the tags, the most common first, and the pairs of those that follow one another."""
        labels = by_count(self.labels)
        numbers = {label: number for number, label in enumerate(labels)}
        pairs = ((None if one is None else numbers[one], numbers[other]) for one, other in self._pairs)
        return {"labels": labels, "transitions": frozenset(pairs)}


def _widened(symbols: Symbols, widths: NDArray[np.int64], size: int, first_label: int) -> Symbols:
    """Returns the symbols of characters for their bytes: only the first byte of a token begins it."""
    wide = np.repeat(symbols, widths)
    is_first = np.zeros(len(wide), np.bool_)
    is_first[np.cumsum(widths) - widths] = True
    begins = (wide >= first_label) & (wide < first_label + size)
    return np.where(begins & ~is_first, wide + size, wide)
