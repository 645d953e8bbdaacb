"""Products of 8-bit integers by torch, with the processor's instructions for them."""

from collections.abc import Callable
from typing import final

import numpy as np
import torch

from charlm.stepping.base import Floats


@final
class TorchIntegers:
    """An IntegerMatrix in 8 bits.

    Products are computed on one thread: several would meet at every symbol, and wait there while another process has a
    core.
    """

    def __init__(self, integers: Floats) -> None:
        # Output by output in memory, as torch's kernel for one stream reads them fastest.
        self._columns = torch.from_numpy(integers.astype(np.int8)).t()

    def bind(self, inputs: Floats) -> Callable[[], Floats]:
        """Returns the exact product with the buffer `inputs`, `[batch, inputs]`."""
        columns = self._columns
        narrow = torch.empty(inputs.shape, dtype=torch.int8)
        sums = torch.empty(len(inputs), columns.shape[1], dtype=torch.int32)
        narrow_array, sums_array = narrow.numpy(), sums.numpy()
        products = np.empty(sums_array.shape, dtype=np.float32)

        def product() -> Floats:
            np.copyto(narrow_array, inputs, casting="unsafe")
            num_threads = torch.get_num_threads()
            torch.set_num_threads(1)
            torch._int_mm(narrow, columns, out=sums)
            torch.set_num_threads(num_threads)
            np.copyto(products, sums_array, casting="same_kind")
            return products

        return product


def sums_exactly() -> bool:
    """Returns whether torch adds up products of 8-bit integers without loss: on processors without VNNI it does not.

    There, oneDNN adds pairs of products in 16 bits, and cuts off what they cannot hold.
    """
    largest = torch.full((64, 64), 127, dtype=torch.int8)
    return bool((torch._int_mm(largest, largest.t()) == 64 * 127 * 127).all())
