"""A text as symbols in a flat file, read in stretches without ever holding it whole."""

import mmap
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.base import Tokens

_RESIDENT_BYTES = 32 << 20
_PIECE = 4 << 20
# A read brings in the pages around it, too: Linux maps 64 KiB at a time (fault_around_bytes).
_FAULT_AROUND_BYTES = 64 << 10


@final
class TokenFile:
    """The symbols of a text, read-only.

    Reading through a file of any size keeps little of it in memory: the pages that reads have brought in
    are given back to the system every 32 MiB.

    Args:
        mapping: the memory map of the file; None when the symbols are in memory.
    """

    def __init__(self, symbols: Tokens, mapping: mmap.mmap | None = None) -> None:
        self._symbols = symbols
        self._mapping = mapping
        self._touched_bytes = 0

    @classmethod
    def map(cls, file: BinaryIO, dtype: np.dtype[Any]) -> "TokenFile":
        """Returns the symbols in an open file, which may be closed afterwards."""
        if os.fstat(file.fileno()).st_size == 0:  # Nothing cannot be mapped.
            return cls(np.empty(0, dtype=dtype))
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return cls(np.frombuffer(mapping, dtype=dtype), mapping)

    def __len__(self) -> int:
        """Returns the number of symbols."""
        return len(self._symbols)

    def read(self, start: int, stop: int) -> Tokens:
        """Returns a copy of the symbols `start … stop - 1`."""
        symbols = self._symbols[start:stop].copy()
        self._touch(symbols.nbytes)
        return symbols

    def pieces(self) -> Iterator[Tokens]:
        """Returns copies of all symbols, about four million at a time."""
        return (self.read(start, start + _PIECE) for start in range(0, len(self), _PIECE))

    def columns(self, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Returns the `length` symbols from each start on, a column each; 0 where the text has ended.

        Returns:
            int64 `[length, starts]`.
        """
        last = len(self._symbols) - 1
        places = np.arange(length)[:, None] + starts
        found: NDArray[np.int64] = self._symbols[np.minimum(places, last)].astype(np.int64)
        found[places > last] = 0
        self._touch(found.size * self._symbols.itemsize, stretches=len(starts))
        return found

    def in_memory(self, *, limit_bytes: int = 256 << 20) -> "TokenFile":
        """Returns the symbols held in memory if they take at most `limit_bytes`, else this file."""
        if self._mapping is None or self._symbols.nbytes > limit_bytes:
            return self
        return TokenFile(self.read(0, len(self)))

    def _touch(self, num_bytes: int, *, stretches: int = 1) -> None:
        if self._mapping is None:
            return
        self._touched_bytes += num_bytes + stretches * _FAULT_AROUND_BYTES
        # Without madvise, the system alone decides when to drop pages.
        if self._touched_bytes > _RESIDENT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._mapping.madvise(mmap.MADV_DONTNEED)
            self._touched_bytes = 0
