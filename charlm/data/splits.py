"""Splitting a text into its training, validation and test parts."""

from collections.abc import Iterable, Iterator
from typing import final

from charlm.data.tokenizers.records import split_records

PARTS = ("train", "valid", "test")


def part_sizes(total: int, fractions: tuple[float, float, float]) -> dict[str, int]:
    """Returns how many of `total` characters or records go to each part whose fraction is not zero.

    The parts follow one another; the borders are the cumulative fractions of the total, rounded.
    """
    train, valid, test = fractions
    first = round(total * train) if valid or test else total
    second = round(total * (train + valid)) if test else total
    if not valid:
        second = first
    sizes = zip(PARTS, (first, second - first, total - second), fractions, strict=True)
    return {name: size for name, size, fraction in sizes if fraction}


def show_split(fractions: tuple[float, float, float]) -> str:
    """Returns the split as a user writes it: '90/5/5'."""
    return "/".join(f"{100 * fraction:g}" for fraction in fractions)


def as_pieces(chunks: Iterable[str], *, records: bool) -> Iterable[str]:
    """Returns the text in the pieces that it is split and encoded in.

    Args:
        chunks: the text as it is read.
        records: give whole lines, one or more in each piece, each ended by one newline, and none empty.
    """
    return _record_lines(chunks) if records else chunks


def count_units(piece: str, *, records: bool) -> int:
    """Returns the size of a piece in what a split counts: records or characters."""
    return piece.count("\n") if records else len(piece)


@final
class Stretches:
    """A text in pieces, of which stretches are taken from the front, one after the other.

    Args:
        pieces: the text, as `as_pieces` gives it.
        records: whether sizes are in records, not in characters.
    """

    def __init__(self, pieces: Iterable[str], *, records: bool) -> None:
        self._pieces = iter(pieces)
        self._records = records
        self._rest = ""

    def take(self, size: int) -> Iterator[str]:
        """Yields the next `size` characters or records; fewer where the text ends before."""
        while size > 0:
            piece, self._rest = self._rest or next(self._pieces, ""), ""
            if not piece:
                return
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
