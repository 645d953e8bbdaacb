"""Numbers of a step on their way from the device to the host, which need not wait for them."""

from typing import final

import torch
from torch import Tensor


@final
class Readback:
    """A few numbers that the device will have computed at some time.

    Reading a tensor on a GPU waits for all work given to it so far. These are copied as soon as they are
    there, into memory that the GPU writes to by itself, so that later work is not waited for.

    Args:
        numbers: a vector, on any device.
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
        """Returns whether reading would not wait."""
        return self._copied is None or bool(self._copied.query())  # type: ignore[no-untyped-call]

    def read(self) -> list[float]:
        """Returns the numbers; waits for them if need be."""
        if self._copied is not None:
            self._copied.synchronize()
        return [float(number) for number in self._numbers.tolist()]
