"""Numbers counted in bounded memory: sorted in runs, which are written to disk, and merged."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import BinaryIO, final

import numpy as np

from charlm.ngrams.grams import Ids

Scratch = Callable[[], AbstractContextManager[Path]]
"""Makes a folder that is removed again."""


def count_distinct(chunks: Iterable[Ids], scratch: Scratch, *, buffer: int) -> tuple[Ids, Ids]:
    """Returns the distinct numbers of all chunks, rising, and how often each occurs.

    One chunk is sorted in memory; of several, each is sorted and written to disk.

    Args:
        chunks: numbers, in any order; they are sorted in place.
        buffer: numbers of each run that are in memory while runs are merged.
    """
    waiting = iter(chunks)
    first = _counted(next(waiting))
    second = next(waiting, None)
    if second is None:
        return first
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        runs = [_Run(folder / "0", *first, stack), _Run(folder / "1", *_counted(second), stack)]
        del first, second
        for number, chunk in enumerate(waiting, start=2):
            runs.append(_Run(folder / str(number), *_counted(chunk), stack))
            del chunk
        merged = [(np.empty(0, np.int64),) * 2, *_merged(runs, buffer=buffer)]
    numbers, counts = (np.concatenate(column) for column in zip(*merged, strict=True))
    return numbers, counts


def _counted(chunk: Ids) -> tuple[Ids, Ids]:
    chunk.sort()
    first = np.flatnonzero(np.concatenate((np.ones(min(1, len(chunk)), np.bool_), chunk[1:] != chunk[:-1])))
    return chunk[first], np.diff(first, append=len(chunk))


def _merged(runs: "list[_Run]", *, buffer: int) -> Iterator[tuple[Ids, Ids]]:
    """Yields the numbers of all runs, rising, and the sums of their counts, piece by piece."""
    while runs := [run for run in runs if run.fill(buffer)]:
        # All that may still come is above the lowest of the last numbers in memory.
        highest = min(int(run.numbers[-1]) for run in runs)
        taken = [run.take(highest) for run in runs]
        numbers, counts = (np.concatenate(column) for column in zip(*taken, strict=True))
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        first = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))
        yield numbers[first], np.add.reduceat(counts[order], first)


@final
class _Run:
    """Sorted numbers on disk with their counts, read from the front.

    Attributes:
        numbers, counts: those in memory.
    """

    def __init__(self, path: Path, numbers: Ids, counts: Ids, stack: ExitStack) -> None:
        self.numbers = self.counts = np.empty(0, dtype=np.int64)
        self._left = len(numbers)
        self._files: list[BinaryIO] = []
        for name, column in (("numbers", numbers), ("counts", counts)):
            file = stack.enter_context(path.with_name(f"{path.name}.{name}").open("w+b"))
            file.write(column.data)
            file.seek(0)
            self._files.append(file)

    def fill(self, size: int) -> bool:
        """Reads on until so many numbers are in memory; returns whether there are any."""
        wanted = min(self._left, size - len(self.numbers))
        if wanted > 0:
            read = [np.frombuffer(file.read(8 * wanted), dtype=np.int64) for file in self._files]
            self.numbers, self.counts = (
                np.concatenate(pair) for pair in zip((self.numbers, self.counts), read, strict=True)
            )
            self._left -= wanted
        return bool(len(self.numbers))

    def take(self, highest: int) -> tuple[Ids, Ids]:
        """Returns the numbers up to `highest`, and their counts; they are no longer in memory."""
        stop = int(np.searchsorted(self.numbers, highest, side="right"))
        taken = self.numbers[:stop], self.counts[:stop]
        self.numbers, self.counts = self.numbers[stop:], self.counts[stop:]
        return taken
