"""Copies of a step's numbers from the device to the host, without waiting."""

from typing import final

import torch
from torch import Tensor


@final
class Readback:
    """A copy of a vector of a few numbers that the device has yet to compute.

    Reading a tensor on a GPU waits for all work launched so far. This copy is made by the GPU itself, into pinned
    memory, as soon as the numbers are computed; reading it does not wait for work launched later.
    """

    def __init__(self, numbers: Tensor) -> None:
        self._copied: torch.cuda.Event | None = None
        self._numbers = numbers
        if numbers.is_cuda:
            self._numbers = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
            self._numbers.copy_(numbers, non_blocking=True)
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()

    def arrived(self) -> bool:
        """Returns whether the numbers are on the host from the start.

        Whether a GPU has copied them yet is not asked: each process of a training would have another answer.
        """
        return self._copied is None

    def read(self) -> list[float]:
        """Returns the numbers, after waiting for them if necessary."""
        if self._copied is not None:
            self._copied.synchronize()
        return [float(number) for number in self._numbers.tolist()]
