"""The layout of a corpus before it is encoded: how it is split into parts, and the blocks that it is read in."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, final

from charlm.data.blocks import Stamp, file_stamps
from charlm.data.sources import KeptSource, TextSource
from charlm.data.tokenizers.records import split_records
from charlm.errors import DataError

PartName = Literal["train", "valid", "test"]
ProgressFactory = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress display from a label and a total, and gives a function to call with what was done since."""

_PART_NAMES = {"train": "training", "valid": "validation", "test": "the test"}


@dataclass(frozen=True)
class Block:
    """A text, or a stretch of one, that is read on its own.

    Attributes:
        sizes: how much of it belongs to each part; they follow one another in it.
        characters: the distinct characters in it; None where they were not asked for.
        stamps: of its files, from before they were first read.
    """

    source: TextSource
    sizes: dict[PartName, int]
    characters: str | None = None
    stamps: tuple[Stamp, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether it is a stretch of a long text, and not a text that is kept in memory."""
        return not isinstance(self.source, KeptSource)

    def parts(self, *, records: bool) -> Iterator[tuple[PartName, Iterator[str]]]:
        """Yields the name of each part that it has something of, and that in pieces, to be read before the next.

        Raises:
            DataError: the text has become shorter since it was surveyed, or a file has changed.
        """
        stretches = Stretches(self.source, records=records)
        for part, size in self.sizes.items():
            yield part, stretches.take(size)
        if file_stamps(self.source) != self.stamps:
            raise _changed(self.source.label)


@dataclass(frozen=True)
class Layout:
    """The texts of a corpus, and the sizes of the parts that they are split into.

    Attributes:
        digest: SHA-256 of the text in UTF-8; where parts are texts of their own, of their digests.
        records: whether sizes are in records, not in characters.
        fractions: how the one text is split; None where the parts are texts of their own.
        num_bytes: size of all texts in UTF-8.
        texts: each text with the sizes of its parts, which follow one another in it.
        split_in_words: how the parts were divided, where it was not by `fractions`.
        have_sides: whether the lines are examples with a tab between their sides, which --swap exchanges.
        blocks: all texts in the blocks that they are read in, one after the other.
    """

    digest: str
    records: bool
    fractions: tuple[float, float, float] | None
    num_bytes: int
    texts: tuple[tuple[TextSource, dict[PartName, int]], ...]
    split_in_words: str | None = None
    have_sides: bool = False
    blocks: tuple[Block, ...] = ()

    @property
    def split(self) -> str:
        """How the text is split, for people: '90/5/5'."""
        if self.fractions is None:
            return self.split_in_words or "separate files"
        return "/".join(f"{100 * fraction:g}" for fraction in self.fractions)

    @property
    def part_names(self) -> tuple[PartName, ...]:
        """The parts that there are."""
        return tuple(part for _, sizes in self.texts for part in sizes)

    def parts(self) -> Iterator[tuple[PartName, Iterator[str]]]:
        """Yields the name of a part and a stretch of its text in pieces, block by block; errors as in `Block.parts`."""
        for block in self.blocks:
            yield from block.parts(records=self.records)

    def require_text(self) -> None:
        """Raises a DataError where a part has no record, or less than two characters."""
        for _, sizes in self.texts:
            for part, size in sizes.items():
                if size < (1 if self.records else 2):
                    raise self.too_short(part)

    def too_short(self, part: PartName, *, num_symbols: int | None = None) -> DataError:
        """Returns the error of a part that has too little text."""
        source, sizes = next(text for text in self.texts if part in text[1])
        total, size = sum(sizes.values()), sizes[part]
        if total == 0 and self.split_in_words is not None:
            swap = " If the two sides of the tab are the wrong way round, --swap exchanges them."
            return DataError(
                f"'{source.label}' has too few examples: the split {self.split_in_words} leaves none for "
                f"{_PART_NAMES[part]}. Use more, or --split 100/0/0 to train on all of them.{swap * self.have_sides}"
            )
        if total == 0:
            return empty_text(source, records=self.records)
        unit, least = ("record", 1) if self.records else ("character", 2)
        found, given = f"'{source.label}' has {total:,} {unit}{'s' * (total != 1)}", ""
        needed = f"at least {least} {unit}{' is' if least == 1 else 's are'} needed"
        if num_symbols is not None:
            needed, given = "at least 2 symbols are needed", f" ({num_symbols} symbol{'s' * (num_symbols != 1)})"
        if len(sizes) == 1 or total < least:
            return DataError(f"{found}{given}; {needed}. Use a longer text.")
        return DataError(
            f"{found}, of which the split {self.split} leaves {size:,}{given} for {_PART_NAMES[part]}; {needed}. "
            "Use a longer text, or --split 100/0/0 to train on all of it."
        )


def part_sizes(total: int, fractions: tuple[float, float, float]) -> dict[PartName, int]:
    """Returns how many of `total` characters or records go to each part whose fraction is not zero.

    The parts follow one another; the borders are the cumulative fractions of the total, rounded.
    """
    train, valid, test = fractions
    first = round(total * train) if valid or test else total
    second = round(total * (train + valid)) if test else total
    sizes: dict[PartName, int] = {"train": first, "valid": second - first, "test": total - second}
    return {name: size for (name, size), fraction in zip(sizes.items(), fractions, strict=True) if fraction}


def as_pieces(chunks: Iterable[str], *, records: bool) -> Iterable[str]:
    """Returns the text in the pieces that it is split and encoded in.

    Those of records are whole lines, one or more in each piece, each ended by one newline, and none empty.
    """
    return _record_lines(chunks) if records else chunks


def count_units(piece: str, *, records: bool) -> int:
    """Returns the size of a piece in what a split counts: records or characters."""
    return piece.count("\n") if records else len(piece)


@final
class Stretches:
    """A text of which stretches are taken from the front, one after the other; `records` says what sizes count."""

    def __init__(self, source: TextSource, *, records: bool) -> None:
        self._label = source.label
        self._pieces = iter(as_pieces(source.chunks(), records=records))
        self._records = records
        self._rest = ""

    def take(self, size: int) -> Iterator[str]:
        """Yields the next `size` characters or records in pieces; a text that ends before is a DataError."""
        while size > 0:
            piece, self._rest = self._rest or next(self._pieces, ""), ""
            if not piece:
                raise _changed(self._label)
            num_units = count_units(piece, records=self._records)
            if num_units > size:
                border = _end_of_line(piece, size) if self._records else size
                piece, self._rest = piece[:border], piece[border:]
            size -= num_units
            yield piece


def empty_text(source: TextSource, *, records: bool) -> DataError:
    """Returns the error of a text with nothing in it."""
    lines = "has no line that is not empty, so it has no records" if records else "is empty"
    return DataError(f"'{source.label}' {lines}; give another text.")


def _changed(label: str) -> DataError:
    return DataError(f"'{label}' changed while it was read; start again when it is complete.")


def _record_lines(chunks: Iterable[str]) -> Iterator[str]:
    for batch in split_records(chunks):
        text = "\n".join(batch)
        if "\r" in text:
            # All CRs at the end, so that splitting these lines once more finds the very same records.
            text = "\n".join(record for line in batch if (record := line.rstrip("\r")))
        if text:
            yield text + "\n"


def _end_of_line(text: str, number: int) -> int:
    """Returns where the line of this number, counted from 1, ends; its newline belongs to it."""
    return sum(len(line) + 1 for line in text.split("\n", number)[:number])
