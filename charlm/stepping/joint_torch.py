"""Products of a matrix with many streams by oneDNN, which torch brings, with weights packed for it once.

NumPy's BLAS packs the weights anew at every step, and shares the product among threads, which meet at every symbol.
"""

from typing import final

import numpy as np
import torch

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Float32Matrix, Product

_USUAL_STREAMS = 32
"""What weights are packed for; other numbers of streams are multiplied as fast."""


@final
class TorchJointMatrix:
    """A JointMatrix whose products are computed on one thread, for the reason that `TorchIntegers` gives."""

    def __init__(self, weights: Floats) -> None:
        self._weights = np.ascontiguousarray(weights, dtype=np.float32)
        rows = torch.from_numpy(self._weights.reshape(-1, weights.shape[2]))
        self._packed = torch.ops.mkldnn._reorder_linear_weight(rows, _USUAL_STREAMS)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        if len(inputs) == 1:
            return Float32Matrix(self._weights).bind(inputs)
        gates, outputs, _ = self._weights.shape
        packed, given, multiply = self._packed, torch.from_numpy(inputs), torch.ops.mkldnn._linear_pointwise.default

        def product() -> Floats:
            num_threads = torch.get_num_threads()
            torch.set_num_threads(1)
            products: Floats = multiply(given, packed, None, "none", [], "").numpy()
            torch.set_num_threads(num_threads)
            return products.reshape(len(products), gates, outputs).transpose(1, 0, 2)

        return product


def can_multiply_packed() -> bool:
    """Returns whether this torch has oneDNN, with the calls that this module makes."""
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    calls = ("_linear_pointwise", "_reorder_linear_weight")
    return has_onednn and all(hasattr(torch.ops.mkldnn, each) for each in calls)
