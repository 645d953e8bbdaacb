"""Matrices in 8 bits, multiplied as integers by torch: a step reads a quarter of the memory."""

from typing import final

import numpy as np
import torch

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Product

_LARGEST = np.float32(127)
_SMALLEST = np.float32(1e-30)
"""What the largest input is taken to be at least, so that inputs of zero have a scale."""


@final
class Int8Matrix:
    """Weights rounded to 8 bits, with a scale for each output; inputs are rounded likewise, with one for each stream.

    Sums of integers are exact, so that a stream's products do not depend on the streams beside it. They are computed
    on one thread: several would meet at every symbol, and wait there while another process has a core.
    """

    def __init__(self, weights: Floats) -> None:
        self._shape = weights.shape[:2]
        rows = weights.reshape(-1, weights.shape[2])
        largest = np.abs(rows).max(axis=1)
        self._scales = np.where(largest > 0, largest, 1.0).astype(np.float32) / _LARGEST
        # Output by output in memory, as torch's kernel for one stream reads them fastest.
        self._columns = torch.from_numpy(np.rint(rows / self._scales[:, None]).astype(np.int8)).t()

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        num_streams, num_outputs = len(inputs), self._columns.shape[1]
        columns, scales = self._columns, self._scales
        rounded = np.empty(inputs.shape, dtype=np.float32)
        largest = np.empty((num_streams, 1), dtype=np.float32)
        narrow = torch.empty(inputs.shape, dtype=torch.int8)
        sums = torch.empty(num_streams, num_outputs, dtype=torch.int32)
        narrow_array, sums_array = narrow.numpy(), sums.numpy()
        products = np.empty((num_streams, num_outputs), dtype=np.float32)
        shaped: Floats = products.reshape(num_streams, *self._shape).transpose(1, 0, 2)

        wide = None if _sums_exactly() else columns.numpy().astype(np.float64)

        def product() -> Floats:
            np.abs(inputs, out=rounded)
            np.maximum.reduce(rounded, axis=1, keepdims=True, out=largest)
            np.maximum(largest, _SMALLEST, out=largest)
            np.multiply(inputs, _LARGEST / largest, out=rounded)
            np.rint(rounded, out=rounded)
            np.copyto(narrow_array, rounded, casting="unsafe")
            if wide is None:
                num_threads = torch.get_num_threads()
                torch.set_num_threads(1)
                torch._int_mm(narrow, columns, out=sums)
                torch.set_num_threads(num_threads)
                np.copyto(products, sums_array, casting="same_kind")
            else:
                np.copyto(products, rounded.astype(np.float64) @ wide, casting="same_kind")
            np.multiply(products, scales, out=products)
            np.multiply(products, largest / _LARGEST, out=products)
            return shaped

        return product


def _sums_exactly() -> bool:
    """Returns whether torch adds up products of 8-bit integers without loss: on processors without VNNI it does not.

    There, oneDNN adds pairs of products in 16 bits, and cuts off what they cannot hold.
    """
    largest = torch.full((64, 64), 127, dtype=torch.int8)
    return bool((torch._int_mm(largest, largest.t()) == 64 * 127 * 127).all())
