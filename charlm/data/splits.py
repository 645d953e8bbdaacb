"""Splitting a text into its training, validation and test parts."""

from collections.abc import Iterable, Iterator
from typing import Literal, final

from charlm.data.sources import TextSource
from charlm.data.tokenizers.records import split_records
from charlm.errors import DataError

PartName = Literal["train", "valid", "test"]


def part_sizes(total: int, fractions: tuple[float, float, float]) -> dict[PartName, int]:
    """Returns how many of `total` characters or records go to each part whose fraction is not zero.

    The parts follow one another; the borders are the cumulative fractions of the total, rounded.
    """
    train, valid, test = fractions
    first = round(total * train) if valid or test else total
    second = round(total * (train + valid)) if test else total
    if not valid:
        second = first
    sizes: dict[PartName, int] = {"train": first, "valid": second - first, "test": total - second}
    return {name: size for (name, size), fraction in zip(sizes.items(), fractions, strict=True) if fraction}


def show_split(fractions: tuple[float, float, float]) -> str:
    """Returns the split as a user writes it: '90/5/5'."""
    return "/".join(f"{100 * fraction:g}" for fraction in fractions)


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
        """Yields the next `size` characters or records in pieces.

        Raises:
            DataError: the text ends before.
        """
        while size > 0:
            piece, self._rest = self._rest or next(self._pieces, ""), ""
            if not piece:
                raise DataError(f"'{self._label}' changed while it was read; start again when it is complete.")
            num_units = count_units(piece, records=self._records)
            if num_units > size:
                border = _end_of_line(piece, size) if self._records else size
                piece, self._rest = piece[:border], piece[border:]
            size -= num_units
            yield piece


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
