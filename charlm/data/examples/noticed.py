"""What is noticed while files of examples are read, and may not be what was meant: rows left out, and headers read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from charlm.config import DataConfig
from charlm.data.examples.fields import is_read_right
from charlm.notation import counted, quoted

COLUMN_NAMES = frozenset((
    "answer", "author", "category", "class", "comment", "content", "country", "definition", "description",
    "document", "form", "gold", "inflection", "input", "intent", "kind", "label", "language", "lemma", "message",
    "name", "ner", "origin", "output", "phones", "phrase", "pos", "pronunciation", "question", "reply", "review",
    "sentence", "sentiment", "source", "spam", "surname", "tag", "target", "text", "title", "token", "topic",
    "translation", "tweet", "type", "utterance", "word",
))  # fmt: skip
"""Usual names of columns, in small letters."""


@final
@dataclass
class Noticed:
    """What was noticed; what is noticed again in a further reading counts once.

    Attributes:
        repeated: how many rows were left out as equal to others, by the share of the examples that they are in.
        headers: the first lines that look like names of columns, by their files.
    """

    repeated: dict[tuple[float, float], int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def notes(self) -> Iterator[str]:
        """Yields a sentence on the rows that were left out."""
        if number := sum(self.repeated.values()):
            yield f"{counted(number, 'row')} equal to {'another' if number == 1 else 'others'} left out."

    def warnings(self) -> Iterator[str]:
        """Yields a sentence on the headers that were read as examples."""
        for file, line in list(self.headers.items())[:1]:
            others = f" and of {counted(len(self.headers) - 1, 'other file')}" if len(self.headers) > 1 else ""
            yield (
                f"The first line of '{file}'{others} looks like names of columns, {quoted(line)}, and is read as an "
                "example; if it is none, add --header."
            )

    def watch_first_line(
        self, lines: Iterator[tuple[int, str]], data: DataConfig, name: str
    ) -> Iterator[tuple[int, str]]:
        """Yields the numbered lines of a file, and notices whether the first one seems to be a header.

        It does where all its fields are single words, one of them is among `COLUMN_NAMES`, and its label stands in no
        other line.
        """
        first = next(lines, None)
        if first is None:
            return
        yield first
        fields = _fields(first[1])
        names = [each.casefold() for each in fields]
        are_words = len(names) > 1 and all(each.replace("-", "_").isidentifier() for each in names)
        if not are_words or COLUMN_NAMES.isdisjoint(names):
            yield from lines
            return
        place = 0 if is_read_right(data) else -1
        stands_alone = True
        for number, line in lines:
            stands_alone = stands_alone and fields[place] != next(iter(_fields(line)[place:]), None)
            yield number, line
        if stands_alone:
            self.headers[name] = first[1]


def _fields(line: str) -> list[str]:
    return [each.strip() for each in line.split("\t")] if "\t" in line else line.split()
