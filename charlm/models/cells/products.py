"""The matrix product of each step of a recurrence, in the arithmetic that is faster for its size."""

import torch
from torch import Tensor


class StepProduct:
    """Adds `left @ matrix.T` to a sum, once a step.

    Args:
        matrix: `[columns, rows]`, in the precision of the sums.
        dtype: arithmetic that a whole window's products use; small matrices keep their own precision.
        batch_size: rows of every `left`.
        float32_up_to: units up to which converting to bfloat16 and back costs this layer more than it saves; measured
            (docs/experiments.md).

    Attributes:
        dtype: the arithmetic of these products; `left` may come in it already.
        matrix: as the product takes it.
        is_packed: oneDNN takes the matrix in a layout of its own.
    """

    def __init__(self, matrix: Tensor, dtype: torch.dtype, *, batch_size: int, float32_up_to: int = 256) -> None:
        self.dtype = matrix.dtype if min(matrix.shape) <= float32_up_to else dtype
        matrix = matrix.to(self.dtype)
        self.is_packed = self.dtype == torch.bfloat16 and can_pack(matrix.device)
        if self.is_packed:
            # Otherwise oneDNN packs the matrix at every product, for as long as the product takes.
            self.matrix = torch.ops.mkldnn._reorder_linear_weight(matrix.contiguous(), batch_size)
        else:
            self.matrix = matrix.t().contiguous()

    def add_to(self, total: Tensor, left: Tensor) -> Tensor:
        """Adds the product to `total` `[batch, columns]` in place and returns it; `left` is `[batch, rows]`."""
        left = left.to(self.dtype)
        if self.is_packed:
            return total.add_(torch.ops.mkldnn._linear_pointwise(left, self.matrix, None, "none", [], ""))
        if self.dtype == total.dtype:
            return total.addmm_(left, self.matrix)
        return total.add_(torch.mm(left, self.matrix))


def product_dtype(inputs: Tensor) -> torch.dtype:
    """Returns the arithmetic for a whole window's products: autocast's where it is on, else the inputs' own."""
    kind = inputs.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else inputs.dtype


def can_pack(device: torch.device) -> bool:
    """Returns whether oneDNN multiplies in bfloat16 there, with matrices in a layout of its own."""
    if device.type != "cpu":
        return False
    is_built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_built and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
