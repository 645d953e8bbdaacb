"""Counts of a text that grow while it is read, and the distributions that they make of another model's.

A context's distribution is interpolated Kneser-Ney's, each order with the one below it, and the lowest with a given
distribution instead of the uniform one:

    p_k(w | context) = max(c(context w) - D(c), 0) / c(context) + removed(context) / c(context) * p_{k-1}(w | shorter)

so that what a text repeats is learnt at its first repetition, and nothing changes where nothing was met before. All
orders count all occurrences; that was better than Kneser-Ney's counts of left contexts (docs/experiments.md).
"""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.latest import MOST_REPEATED, Latest, latest_after

DISCOUNTS = (0.7, 1.0, 1.3)
"""Off a count of 1, of 2, and of 3 or more."""

_FIRST, _SECOND, _THIRD = (count - discount for count, discount in zip((1, 2, 3), DISCOUNTS, strict=True))
_MOST_SPARSE = 8
"""Symbols after a context up to which adding one by one is faster than adding a row."""
_LONGEST_ROW = 32
"""Numbers that a row may have for each symbol that is not zero in it, so that rows of a large vocabulary stay few."""


@final
class _Context:
    """What followed a context: two different symbols or more.

    Attributes:
        total: how often something did.
        removed: the sum of all discounts.
        rest: for each symbol its count less the discount.
        row: the same for all symbols, `[vocabulary]`; None as long as they are few.
        latest: what followed the last time.
    """

    __slots__ = ("latest", "removed", "rest", "row", "total")

    def __init__(self, symbol: int, count: int) -> None:
        """Begins with a symbol that alone followed so far, some times."""
        self.total = count
        self.removed = DISCOUNTS[min(count, 3) - 1]
        self.rest = {symbol: count - self.removed}
        self.row: NDArray[np.float64] | None = None
        self.latest: Latest = symbol, min(count - 1, MOST_REPEATED)

    def add(self, symbol: int, vocabulary_size: int) -> None:
        """Counts a symbol."""
        self.total += 1
        before = self.rest.get(symbol)
        if before is None:
            rest = _FIRST
            self.removed += 1.0 - rest
        else:
            rest = before + 1.0 if before >= _THIRD else _SECOND if before < _SECOND else _THIRD
            self.removed += 1.0 - rest + before
        self.rest[symbol] = rest
        self.latest = latest_after(self.latest, symbol)
        if self.row is not None:
            self.row[symbol] = rest
        elif len(self.rest) > _MOST_SPARSE and len(self.rest) * _LONGEST_ROW > vocabulary_size:
            self.row = np.zeros(vocabulary_size)
            self.row[list(self.rest)] = list(self.rest.values())


@final
class GrowingCounts:
    """The counts of the symbols read so far, in all contexts of up to `order - 1` symbols.

    Memory is bounded: with `most_contexts` of them, some 300 bytes each, the longer half of all lengths is forgotten,
    or everything where that is not enough.

    Attributes:
        known: the number of the present contexts, of lengths 0, 1, …, after which something was met.
        total: how often something followed the longest of these; 0 without one.
    """

    def __init__(self, vocabulary_size: int, *, order: int, most_contexts: int = 1 << 20) -> None:
        self.known = 0
        self.total = 0
        self.generation = 0
        self._vocabulary_size = vocabulary_size
        self._most_contexts = most_contexts
        # After a context that one symbol alone followed stands a number: the symbol + vocabulary * how often.
        self._tables: list[dict[int, Any]] = [{} for _ in range(order)]
        self._num_contexts = 0
        self._base = vocabulary_size + 1
        self._keys = [0]
        self._found: list[Any] = []

    def restart(self, symbol: int) -> None:
        """Begins a new text with a symbol that nothing predicts; no context reaches back over it."""
        self._keys = [0, symbol + 1][: len(self._tables)]
        self._find()

    @property
    def longest_key(self) -> int | None:
        """The number of the longest present context; None where the text is shorter."""
        return self._keys[-1] if len(self._keys) == len(self._tables) else None

    def latest(self, number: int) -> list[Latest | None]:
        """Returns what followed the present contexts of 1, 2, … symbols the last time; None for those not met."""
        size = self._vocabulary_size
        latest: list[Latest | None] = []
        for found in self._found[1 : number + 1]:
            if type(found) is int:
                latest.append((found % size, min(found // size - 1, MOST_REPEATED)))
            else:
                latest.append(found.latest)
        return latest + [None] * (number - len(latest))

    def refine(self, probabilities: NDArray[np.float64]) -> None:
        """Makes the distribution in the present context from that of the empty one, `[vocabulary]`, in place."""
        size = self._vocabulary_size
        share = 1.0
        rows, singles = [], []
        for found in reversed(self._found):
            if type(found) is int:
                count = found // size
                left = count - DISCOUNTS[min(count, 3) - 1]
                singles.append((found % size, share * left / count))
                share *= 1.0 - left / count
                continue
            weight = share / found.total
            if found.row is not None:
                rows.append((found.row, weight))
            else:
                singles += [(symbol, weight * rest) for symbol, rest in found.rest.items()]
            share = weight * found.removed
        probabilities *= share
        for row, weight in rows:
            probabilities += row * weight
        # One number of a view is changed in half the time of an array's.
        each: Any = memoryview(probabilities)  # type: ignore[arg-type]
        for symbol, more in singles:
            each[symbol] += more

    def learn(self, symbol: int) -> None:
        """Counts the symbol that comes next, and reads it."""
        size, keys = self._vocabulary_size, self._keys
        known = len(self._found)
        for length, found in enumerate(self._found):
            if type(found) is not int:
                found.add(symbol, size)
            elif found % size == symbol:
                self._tables[length][keys[length]] = found + size
            else:
                context = self._tables[length][keys[length]] = _Context(found % size, found // size)
                context.add(symbol, size)
        for length in range(known, len(keys)):
            self._tables[length][keys[length]] = symbol + size
        self._num_contexts += len(keys) - known
        if self._num_contexts > self._most_contexts:
            self._forget()
        self.read(symbol)

    def read(self, symbol: int) -> None:
        """Reads the symbol that comes next without counting it."""
        self._keys = [0, *(key * self._base + symbol + 1 for key in self._keys[: len(self._tables) - 1])]
        self._find()

    def _find(self) -> None:
        self._found = []
        for table, key in zip(self._tables, self._keys, strict=False):
            found = table.get(key)
            if found is None:
                break
            self._found.append(found)
        self.known = len(self._found)
        last: Any = self._found[-1] if self._found else 0
        self.total = last // self._vocabulary_size if type(last) is int else last.total

    def _forget(self) -> None:
        half = len(self._tables) // 2
        if sum(map(len, self._tables[:half])) > self._most_contexts // 2:
            half = 0
        for table in self._tables[half:]:
            table.clear()
        self._num_contexts = sum(map(len, self._tables))
        self.generation += 1
