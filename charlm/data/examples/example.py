"""An example: what is read and what is said of it; and the one form in which all of them are kept as text."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from charlm.config import DataConfig


class Example(NamedTuple):
    """An example of a task.

    Attributes:
        read: what a model is given, without tabs and line ends.
        said: what it has to say of it, likewise.
    """

    read: str
    said: str

    def to_line(self) -> str:
        """Returns the example as a line: both sides with a tab between."""
        return f"{self.read}\t{self.said}\n"


def parse_line(line: str) -> Example:
    """Returns the example whose `to_line` gave a line; the line end may be missing."""
    read, _, said = line.removesuffix("\n").partition("\t")
    return Example(read, said)


Read = Callable[[Iterator[tuple[int, str]], DataConfig, str], Iterator[Example]]
"""From the numbered lines of a file, the settings, and the file's name to its examples.

Raises a DataError for a line that is none, which names the file and the line.
"""

Given = Callable[[str, DataConfig], str]
"""From a line that may lack what is to be said, and the settings, to what is read of it."""
