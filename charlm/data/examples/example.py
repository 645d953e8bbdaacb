"""An example: its input and its target; and the one form in which all of them are kept as text."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from charlm.config import DataConfig


class Example(NamedTuple):
    """An example of a task.

    Attributes:
        input: the text that a model reads.
        target: what it has to predict: a label, segments with tags (charlm/data/examples/segments.py), or a text.
    """

    input: str
    target: str

    def to_line(self) -> str:
        """Returns the example as a line: both sides with a tab between; tabs and line ends in the input are escaped."""
        return f"{_escaped(self.input)}\t{self.target}\n"


def parse_line(line: str) -> Example:
    """Returns the example whose `to_line` gave a line; the line end may be missing."""
    source, _, target = line.removesuffix("\n").partition("\t")
    return Example(_ESCAPE.sub(lambda match: _ESCAPED[match[1]], source) if "\\" in source else source, target)


_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = str.maketrans({character: f"\\{letter}" for letter, character in _ESCAPED.items()})


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


Read = Callable[[Iterator[tuple[int, str]], DataConfig, str], Iterator[Example]]
"""From the numbered lines of a file, the settings, and the file's name to its examples.

Raises a DataError for a line that is none, which names the file and the line.
"""
