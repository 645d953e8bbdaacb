"""Records as windows: whole examples of similar length side by side, each from a zero state."""

from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.data.lanes import IGNORED, Window, round_ratio
from charlm.data.tokenfile import TokenFile

_BATCHES_IN_A_POOL = 50


@final
class RecordBatches:
    """Records grouped once into batches of similar length; every epoch reads the batches in a new order.

    Every symbol of a record after its begin is a target exactly once in an epoch, its end included. A batch
    is as many windows as its longest record needs, and shorter records are padded. Attributes are as in `Lanes`.

    Args:
        tokens: the records one after the other, each with its begin and its end; at least one.
        begin: the symbol that every record begins with, and that is nowhere else.
        end: the symbol that every record ends with.
        batch_size: most records in a batch.
        sequence_length: longest window.
        seed: decides which records share a batch, and the order of the batches.
    """

    def __init__(
        self, tokens: TokenFile, *, begin: int, end: int, batch_size: int, sequence_length: int, seed: int
    ) -> None:
        self._tokens = tokens.in_memory()
        self._offsets = find_records(self._tokens, begin)
        num_records = len(self._offsets) - 1
        assert num_records >= 1
        assert self._offsets[0] == 0
        assert self._tokens.read(len(tokens) - 1, len(tokens))[0] == end
        self._seed = seed
        self.num_lanes = min(batch_size, num_records)
        self.targets_per_epoch = len(tokens) - num_records
        self._records, longest = group_records(self._offsets, self.num_lanes, seed=(seed, 0))
        self._windows = -(-longest // sequence_length)
        self.windows_per_epoch = int(self._windows.sum())
        self._order = (-1, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def window(self, index: int) -> Window:
        """Returns a window by its number, counted over all epochs."""
        epoch, place = divmod(index, self.windows_per_epoch)
        order, last_windows = self._order_of(epoch)
        position = int(np.searchsorted(last_windows, place, side="right"))
        batch = int(order[position])
        num_windows = int(self._windows[batch])
        within = place - int(last_windows[position]) + num_windows
        starts, lengths = self._stretches(batch)
        longest = int(lengths.max())
        first = round_ratio(within * longest, num_windows)
        stop = round_ratio((within + 1) * longest, num_windows)
        symbols = self._tokens.columns(starts + first, stop - first + 1)
        present = np.arange(first, stop)[:, None] < lengths
        inputs, targets = np.where(present, symbols[:-1], 0), np.where(present, symbols[1:], IGNORED)
        num_targets = int(np.count_nonzero(present))
        places = torch.from_numpy(starts + first)
        return Window(torch.from_numpy(inputs), torch.from_numpy(targets), within == 0, num_targets, places)

    def _stretches(self, batch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where each record of a batch begins and how many targets it has; 0 for a lane without record."""
        records = self._records[batch * self.num_lanes : (batch + 1) * self.num_lanes]
        starts = self._offsets[records]
        lengths = self._offsets[records + 1] - starts - 1
        lacking = (0, self.num_lanes - len(records))
        return np.pad(starts, lacking), np.pad(lengths, lacking)

    def _order_of(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the batches of an epoch in their order, and how many windows there are up to each one's end."""
        if self._order[0] != epoch:
            order = np.random.default_rng((self._seed, 1 + epoch)).permutation(len(self._windows))
            self._order = (epoch, order, np.cumsum(self._windows[order]))
        return self._order[1:]


def find_records(tokens: TokenFile, begin: int) -> NDArray[np.int64]:
    """Returns where each record begins, and as the last entry where the text ends."""
    found, start = [], 0
    for piece in tokens.pieces():
        found.append(start + np.flatnonzero(piece == begin))
        start += len(piece)
    return np.concatenate([*found, [start]])


def group_records(
    offsets: NDArray[np.int64], batch_size: int, *, seed: tuple[int, int]
) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.int64]]:
    """Returns the records, each run of `batch_size` of similar length, and the most targets in each run.

    They are shuffled, then sorted by length in pools of a few batches: sorting all of them would put the
    same records side by side whatever the seed.
    """
    num_records = len(offsets) - 1
    numbers = np.arange(num_records, dtype=np.int32 if num_records < 2**31 - 1 else np.int64)
    records = np.random.default_rng(seed).permutation(numbers)
    size = batch_size * _BATCHES_IN_A_POOL
    longest = []
    for start in range(0, num_records, size):
        pool = records[start : start + size]
        lengths = offsets[pool + 1] - offsets[pool] - 1
        order = np.argsort(lengths, kind="stable")
        pool[:] = pool[order]
        longest.append(np.maximum.reduceat(lengths[order], np.arange(0, len(pool), batch_size)))
    return records, np.concatenate(longest)
