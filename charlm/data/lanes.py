"""Running text as windows of truncated back-propagation through time: several stretches side by side."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from torch import Tensor

from charlm.data.tokenfile import TokenFile

IGNORED = -100
"""The target where there is nothing to predict; `cross_entropy` leaves it out by default."""


@dataclass(frozen=True)
class Window:
    """The symbols that one step reads and predicts.

    Attributes:
        inputs: symbols, int64 `[time, batch]`.
        targets: the symbol after each input, int64 `[time, batch]`; IGNORED where there is none.
        fresh: whether the state starts from zero before this window, instead of being carried on.
        num_targets: targets that count; known without asking the device.
        starts: where in the text the first input of each lane is, int64 `[batch]` on the CPU; None where nobody asks.
    """

    inputs: Tensor
    targets: Tensor
    fresh: bool
    num_targets: int
    starts: Tensor | None = None

    def places(self) -> Tensor:
        """Returns where in the text each target is, int64 `[time, batch]`, on the CPU."""
        assert self.starts is not None
        return torch.arange(1, len(self.inputs) + 1)[:, None] + self.starts

    def lanes(self, start: int, stop: int) -> "Window":
        """Returns the lanes `start … stop - 1` of a window that is on the CPU."""
        if (start, stop) == (0, self.inputs.shape[1]):
            return self
        targets = self.targets[:, start:stop]
        num_targets = int((targets != IGNORED).sum())
        starts = None if self.starts is None else self.starts[start:stop]
        return Window(self.inputs[:, start:stop], targets, self.fresh, num_targets, starts)

    def to(self, device: torch.device) -> "Window":
        """Returns the window on a device; a copy to a GPU is not waited for."""
        inputs, targets = self.inputs, self.targets
        if device.type == "cuda":
            inputs, targets = inputs.pin_memory(), targets.pin_memory()
        inputs, targets = inputs.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        return replace(self, inputs=inputs, targets=targets)


@final
class Lanes:
    """The text cut into `num_lanes` contiguous stretches of nearly equal length, read in parallel.

    Every symbol after the first is a target exactly once in an epoch. Lanes that are one symbol shorter
    than the others are padded in the last row of the last window.

    Attributes:
        num_lanes: the width of every window.
        windows_per_epoch: number of windows that read the text once.
        targets_per_epoch: number of targets in these windows.

    Args:
        tokens: the text, at least two symbols.
        batch_size: most lanes; a short text has fewer, so that none is shorter than a window.
        sequence_length: longest window; all windows of an epoch are nearly equally long.
        random_length: move each border between windows at random, in every epoch anew, by up to a quarter
            of their length.
        seed: decides the random borders.
    """

    def __init__(
        self, tokens: TokenFile, *, batch_size: int, sequence_length: int, random_length: bool, seed: int
    ) -> None:
        num_targets = len(tokens) - 1
        assert num_targets >= 1
        self.targets_per_epoch = num_targets
        self.num_lanes = min(batch_size, max(1, num_targets // sequence_length))
        shortest, self._num_longer = divmod(num_targets, self.num_lanes)
        self._longest = shortest + (self._num_longer > 0)
        lanes = np.arange(self.num_lanes, dtype=np.int64)
        self._starts = lanes * shortest + np.minimum(lanes, self._num_longer)
        self.windows_per_epoch = -(-self._longest // sequence_length)
        self._tokens = tokens.in_memory()
        self._seed = seed
        self._reach = self._longest // self.windows_per_epoch // 4 if random_length else 0
        self._shifts = (-1, np.zeros(0, dtype=np.int64))

    def window(self, index: int) -> Window:
        """Returns a window by its number, counted over all epochs."""
        epoch, place = divmod(index, self.windows_per_epoch)
        start, stop = self._border(epoch, place), self._border(epoch, place + 1)
        symbols = self._tokens.columns(self._starts + start, stop - start + 1)
        inputs, targets = symbols[:-1], symbols[1:]
        num_targets = targets.size
        if stop == self._longest and self._num_longer:
            # A copy, because the targets of one row are the inputs of the next in the same memory.
            inputs, targets = inputs.copy(), targets.copy()
            inputs[-1, self._num_longer :] = 0
            targets[-1, self._num_longer :] = IGNORED
            num_targets -= self.num_lanes - self._num_longer
        starts = torch.from_numpy(self._starts + start)
        return Window(torch.from_numpy(inputs), torch.from_numpy(targets), place == 0, num_targets, starts)

    def _border(self, epoch: int, place: int) -> int:
        """Returns how far into each lane the windows before `place` reach."""
        border = round_ratio(place * self._longest, self.windows_per_epoch)
        if self._reach and 0 < place < self.windows_per_epoch:
            if self._shifts[0] != epoch:
                rng = np.random.default_rng((self._seed, epoch))
                shifts = rng.integers(-self._reach, self._reach, size=self.windows_per_epoch, endpoint=True)
                self._shifts = (epoch, shifts)
            # At most a quarter of the least distance either way: two borders never meet.
            border += int(self._shifts[1][place])
        return border


def round_ratio(numerator: int, denominator: int) -> int:
    """Returns the integer next to a ratio, upwards from a half; exact at any size, where floats are not."""
    return (2 * numerator + denominator) // (2 * denominator)
