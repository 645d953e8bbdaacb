"""The matrix products of a recurrence, one small one a symbol, in whichever arithmetic is faster."""

import torch
from torch import Tensor

_WIDEST_IN_FLOAT32 = 256
"""Units up to which converting to bfloat16 and back costs more than it saves (docs/experiments.md)."""


class StepProduct:
    """Adds `left @ matrix` to a running sum, again and again.

    Args:
        matrix: `[rows, columns]`, in the precision of the sums.
        dtype: arithmetic that a whole window's products use; small matrices keep their own precision.
    """

    def __init__(self, matrix: Tensor, dtype: torch.dtype) -> None:
        self._converts = dtype != matrix.dtype and min(matrix.shape) > _WIDEST_IN_FLOAT32
        self._dtype = dtype
        self._matrix = matrix.to(dtype if self._converts else matrix.dtype).contiguous()

    def add_to(self, total: Tensor, left: Tensor) -> Tensor:
        """Adds the product to `total` `[batch, columns]` in place and returns it; `left` is `[batch, rows]`."""
        if self._converts:
            return total.add_(torch.mm(left.to(self._dtype), self._matrix))
        return total.addmm_(left, self._matrix)


def product_dtype(inputs: Tensor) -> torch.dtype:
    """Returns the arithmetic for a whole window's products: autocast's where it is on, else the inputs' own."""
    kind = inputs.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else inputs.dtype
