"""Files of examples as a text of one line each, and its parts: which part an example is in is decided by a hash."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pkgutil import resolve_name
from typing import final

from charlm.config import DataConfig
from charlm.data.examples.example import Example, Read, parse_line
from charlm.data.examples.noticed import Noticed
from charlm.data.hashing import digest_of, hashed
from charlm.data.sources import CombinedSource, DecodedSource, TextSource
from charlm.data.tokenizers.records import split_lines
from charlm.tasks import TASKS, Task

_LINES_IN_A_CHUNK = 4096


@final
@dataclass(frozen=True)
class ExampleSource:
    """The examples of some files, each as the line that `Example.to_line` gives.

    Attributes:
        text: the files, cleaned as text is.
        data: how they are read.
        share: the examples whose hash lies between these two numbers, 0 to 1.
        noticed: is told what is noticed while the files are read.
    """

    text: CombinedSource
    data: DataConfig
    share: tuple[float, float] = (0.0, 1.0)
    noticed: Noticed = field(default_factory=Noticed, compare=False)

    @property
    def label(self) -> str:
        """The label of the text."""
        return self.text.label

    def chunks(self) -> Iterator[str]:
        """Yields the lines in pieces; a line that is no example is a DataError, which names its file and number."""
        lines: list[str] = []
        for example in self.examples():
            lines.append(example.to_line())
            if len(lines) == _LINES_IN_A_CHUNK:
                yield "".join(lines)
                lines.clear()
        if lines:
            yield "".join(lines)

    def examples(self) -> Iterator[Example]:
        """Yields the examples of this share, in the order of the files; rows of a share that are equal, once."""
        if self.share == (0.0, 1.0):
            return self._read()
        low, high = self.share
        found = (example for example in self._read() if low <= hashed(example.input) < high)
        # A few rows that are repeated often would decide a part's score. Sentences of columns are no rows.
        return self._first_ones(found) if _task(self.data).has_fields else found

    def _first_ones(self, examples: Iterator[Example]) -> Iterator[Example]:
        """Yields the examples that are unlike all before; 100 bytes are kept of each."""
        seen: set[int] = set()
        number = 0
        for example in examples:
            number += 1
            digest = digest_of(example.to_line())
            if digest not in seen:
                seen.add(digest)
                yield example
        self.noticed.repeated[self.share] = number - len(seen)

    def _read(self) -> Iterator[Example]:
        read: Read = resolve_name(_task(self.data).read)
        for part in self.text.parts:
            file = replace(self.text, parts=(part,))
            lines, name = _numbered_lines(file, self.data), _file_name(part)
            if isinstance(part, ReadyExamples):
                yield from _read_ready(lines)
                continue
            if not self.data.header:
                lines = self.noticed.watch_first_line(lines, self.data, name)
            yield from read(lines, self.data, name)

    def size_bytes(self) -> int | None:
        """Returns the size of the files as they are stored; None when it is not known."""
        return self.text.size_bytes()


@final
class ReadyExamples(TextSource):
    """A text of lines that `Example.to_line` gave; built-in ones are made so."""

    def __init__(self, source: TextSource) -> None:
        self._source = source

    @property
    def label(self) -> str:
        """The label of the text."""
        return self._source.label

    def chunks(self) -> Iterator[str]:
        """Yields the text in pieces."""
        return self._source.chunks()

    def size_bytes(self) -> int | None:
        """Returns the size of the text as it is stored; None when it is not known."""
        return self._source.size_bytes()


def split_examples(
    source: ExampleSource, fractions: tuple[float, float, float]
) -> tuple[ExampleSource, ExampleSource | None, ExampleSource | None]:
    """Returns the training, the validation and the test part: examples with equal inputs are in the same part."""
    train, valid, test = fractions
    borders = (0.0, train if valid or test else 1.0, train + valid if test else 1.0, 1.0)
    parts = (replace(source, share=share) for share in itertools.pairwise(borders))
    first, *held_out = (part if fraction else None for part, fraction in zip(parts, fractions, strict=True))
    assert first is not None
    return first, held_out[0], held_out[1]


def _file_name(part: TextSource) -> str:
    """Returns what messages call a part: a file by its path, as its label has no extension."""
    return part.raw.name if isinstance(part, DecodedSource) else part.label


def _task(data: DataConfig) -> Task:
    assert data.task is not None
    return TASKS[data.task]


def _numbered_lines(source: TextSource, data: DataConfig) -> Iterator[tuple[int, str]]:
    """Yields the lines of a file with their numbers, from 1; without its header, if it has one."""
    for number, line in enumerate(split_lines(source.chunks()), start=1):
        if number > 1 or not data.header:
            yield number, line


def _read_ready(lines: Iterator[tuple[int, str]]) -> Iterator[Example]:
    for _, line in lines:
        yield parse_line(line)
