"""N-grams as numbers of 63 bits: in the order of the numbers, all grams that begin alike lie together.

A number has a digit for each symbol: the symbol plus one, or 0 where the stretch of text has ended. So the numbers at
all places of a text hold the grams of every length up to their number of digits. Where an alphabet is too large for
all symbols of a gram, the first of them, its root, are one digit: the root's place among the roots, which were counted
before.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from charlm.data.tokenfile import TokenFile
from charlm.ngrams.grams import NONE, Grams, Ids

_BITS = 63


@dataclass(frozen=True)
class Text:
    """A text whose grams are counted.

    Attributes:
        begin: the symbol at which a new stretch begins, that no gram reaches back over; None in running text.
    """

    tokens: TokenFile
    vocabulary_size: int
    begin: int | None


@dataclass(frozen=True)
class Packing:
    """How some orders of grams are numbered.

    Attributes:
        width: symbols after the root; the orders are the root's length + 1 … + width.
        root: how the roots are numbered; None without roots.
        roots: their numbers, rising: all there are.
    """

    width: int
    vocabulary_size: int
    root: "Packing | None" = None
    roots: Ids | None = None

    @property
    def base(self) -> int:
        """The values of a digit."""
        return self.vocabulary_size + 1

    @property
    def root_length(self) -> int:
        """Symbols of a root."""
        return 0 if self.root is None else self.root.length

    @property
    def length(self) -> int:
        """Symbols of the longest grams."""
        return self.root_length + self.width

    def pack(self, text: Text, start: int, stop: int) -> Ids:
        """Returns the numbers of the grams that begin at the places `start … stop - 1`, none where no root begins."""
        numbers = self._numbers(text, start, stop)
        return numbers if self.root is None else numbers[numbers >= 0]

    def _numbers(self, text: Text, start: int, stop: int) -> Ids:
        """Returns the number at each place, below 0 where the stretch ends within the root, or with it."""
        size = stop - start
        symbols = text.tokens.read(start, min(stop + self.length - 1, len(text.tokens)))
        if self.root is None:
            numbers = np.zeros(size, dtype=np.int64)
            is_within = np.ones(size, dtype=np.bool_)
        else:
            assert self.roots is not None
            roots = self.root._numbers(text, start, stop)
            numbers = np.searchsorted(self.roots, roots)
            # A root that is cut short by the end of its stretch is none.
            is_within = (roots >= 0) & (roots % self.root.base != 0)
        for offset in range(self.length):
            digits = symbols[offset : offset + size].astype(np.int64)
            digits += 1
            digits = np.concatenate((digits, np.zeros(size - len(digits), dtype=np.int64)))
            if text.begin is not None and offset:
                is_within &= digits != text.begin + 1
            if offset < self.root_length:
                continue
            digits *= is_within
            numbers *= self.base
            numbers += digits
            if offset == self.root_length and self.root is not None:
                numbers[digits == 0] = NONE
                is_within &= digits != 0
        return numbers

    def unpack(self, numbers: Ids, counts: Ids, *, num_roots: int) -> Iterator[Grams]:
        """Yields the grams of each order, from the distinct numbers, rising, and how often each occurs.

        Args:
            num_roots: grams of the order of the roots; 1 for the empty gram.
        """
        context = numbers // self.base**self.width
        num_contexts = num_roots
        for places_left in reversed(range(self.width)):
            prefixes = numbers // self.base**places_left
            symbols = prefixes % self.base - 1
            is_first = np.concatenate(([True], prefixes[1:] != prefixes[:-1]))
            first = np.flatnonzero(is_first)
            sums = np.add.reduceat(counts, first)
            is_there = symbols[first] >= 0
            if not is_there.any():
                return
            first, sums = first[is_there], sums[is_there]
            keys = context[first] * self.vocabulary_size + symbols[first]
            yield Grams(keys, sums, num_contexts, self.vocabulary_size)
            is_first &= symbols >= 0
            context = np.cumsum(is_first) - 1
            num_contexts = len(first)

    def next(self, numbers: Ids, *, order: int, num_grams: int) -> "Packing | None":
        """Returns the packing of longer grams, up to an order; None where all are packed.

        Args:
            numbers: the distinct numbers of this packing, rising.
            num_grams: how many of them are grams of its full length.
        """
        if order <= self.length:
            return None
        roots = numbers[numbers % self.base != 0]
        assert len(roots) == num_grams
        return Packing(_width(num_grams, self.base, order - self.length), self.vocabulary_size, self, roots)


def first_packing(order: int, vocabulary_size: int) -> Packing:
    """Returns the packing of grams up to an order, or up to as many symbols as fit into a number."""
    return Packing(_width(1, vocabulary_size + 1, order), vocabulary_size)


def _width(num_roots: int, base: int, most: int) -> int:
    """Returns how many digits fit beside a root, at most so many."""
    return min(most, int((_BITS - math.log2(num_roots)) / math.log2(base) - 1e-9))
