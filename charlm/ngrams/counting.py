"""How often every sequence of up to N symbols occurs in a text."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from charlm.data.tokenfile import TokenFile
from charlm.errors import DataError
from charlm.files.errors import os_errors_as
from charlm.ngrams.grams import Grams, Ids, find
from charlm.ngrams.packing import Packing, Text, first_packing
from charlm.ngrams.sorting import Scratch, count_distinct

DEFAULT_MEMORY = 4 << 30

_BYTES_PER_PLACE = 48
"""Memory that sorting takes for each place of the text."""
_BYTES_PER_GRAM = 88
"""Memory that telling the orders apart takes for each of the longest grams."""
_BUFFERS = 16
"""Parts of the memory, each of which holds the buffers of all runs."""

_DISK_REMEDY = "Free some space, or allow more memory with --memory."


@dataclass(frozen=True)
class CountedText:
    """A text and the grams in it.

    Attributes:
        orders: the grams of order 1, 2, … N.
    """

    text: Text
    orders: tuple[Grams, ...]

    @cached_property
    def suffixes(self) -> tuple[Ids, ...]:
        """For each order above the first, the number of each gram without its first symbol, int64 `[grams]`."""
        found: list[Ids] = [np.zeros(len(self.orders[0]), dtype=np.int64)]
        for below, grams in zip(self.orders, self.orders[1:], strict=False):
            shorter = found[-1][grams.contexts]
            found.append(find(below.keys, shorter, grams.symbols, vocabulary_size=grams.vocabulary_size))
        return tuple(found[1:])


def count_grams(
    tokens: TokenFile,
    *,
    order: int,
    vocabulary_size: int,
    begin: int | None = None,
    memory: int = DEFAULT_MEMORY,
    scratch: Scratch | None = None,
) -> CountedText:
    """Returns the grams of a text up to an order.

    Args:
        tokens: the text, at least one symbol.
        begin: the symbol at which a new stretch begins, that no gram reaches back over; None in running text.
            It is never predicted, so that by itself it counts as not occurring.
        memory: bytes that may be taken, about; of a text that needs more, sorted runs go to the disk.
        scratch: makes the folder for them.  [default: in the system's temporary folder]

    Raises:
        DataError: there are too many different grams for the memory, or the disk is full.
    """
    text = Text(tokens, vocabulary_size, begin)
    orders: list[Grams] = []
    packing: Packing | None = first_packing(order, vocabulary_size)
    while packing is not None:
        chunks = _chunks(text, packing, size=max(1, memory // _BYTES_PER_PLACE))
        with os_errors_as(DataError, "The n-grams cannot be sorted on the disk", remedy=_DISK_REMEDY):
            numbers, counts = count_distinct(chunks, scratch or _temporary, buffer=_buffer(text, memory))
        _require_memory(len(numbers), memory)
        num_roots = len(orders[-1]) if orders else 1
        found = list(packing.unpack(numbers, counts, num_roots=num_roots)) if len(numbers) else []
        orders += found
        if len(found) < packing.width:
            break
        packing = packing.next(numbers, order=order, num_grams=len(found[-1]))
    if begin is not None:
        orders[0].counts[orders[0].keys == begin] = 0
    return CountedText(text, tuple(orders))


def left_contexts(text: CountedText, order: int) -> Ids:
    """Returns for each gram of an order below the highest how many different symbols stand before it.

    A gram with which a stretch begins has nothing before it there; that counts as often as it occurs, as the
    field does it for sentences' beginnings (Heafield et al. 2013).
    """
    grams = text.orders[order - 1]
    distinct = np.bincount(text.suffixes[order - 1], minlength=len(grams))
    return np.where(grams.counts > 0, distinct + beginnings(text, order), 0)


def beginnings(text: CountedText, order: int) -> Ids:
    """Returns for each gram of an order below the highest how often a stretch begins with it.

    Everywhere else, one that is longer by a symbol ends in the same place.
    """
    grams, longer = text.orders[order - 1], text.orders[order]
    preceded = np.bincount(text.suffixes[order - 1], weights=longer.counts, minlength=len(grams))
    return grams.counts - preceded.astype(np.int64)


def _chunks(text: Text, packing: Packing, *, size: int) -> Iterator[Ids]:
    for start in range(0, len(text.tokens), size):
        yield packing.pack(text, start, min(start + size, len(text.tokens)))


def _buffer(text: Text, memory: int) -> int:
    num_runs = 1 + len(text.tokens) * _BYTES_PER_PLACE // memory
    return max(1, memory // (_BUFFERS * num_runs * 16))


def _require_memory(num_grams: int, memory: int) -> None:
    needed = _BYTES_PER_GRAM * num_grams
    if needed > memory:
        raise DataError(
            f"The text has {num_grams:,} different n-grams of the longest kind, which need {_megabytes(needed)} of "
            f"memory; {_megabytes(memory)} are allowed. Lower the order, or allow more with --memory."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="charlm-") as folder:
        yield Path(folder)
