"""The most memory that a block takes, as far as Python and NumPy allocate it."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def peak_bytes() -> Iterator[list[int]]:
    """Gives a list, in which the most bytes that the block held at once stand when it ends."""
    peak: list[int] = []
    tracemalloc.start()
    try:
        yield peak
    finally:
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
