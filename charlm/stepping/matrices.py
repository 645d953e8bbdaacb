"""Matrices that are laid out once for many products with the same buffer."""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from charlm.stepping.base import Floats

Product = Callable[[], Floats]
"""Returns the product `[blocks, batch, outputs]` with what the buffer holds now, the caller's until the next call."""


class Matrix(Protocol):
    """Weights `[blocks, outputs, inputs]`: blocks with outputs of their own and the same inputs."""

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""


@final
class Float32Matrix:
    """A matrix in float32."""

    def __init__(self, weights: Floats) -> None:
        self._weights = np.ascontiguousarray(weights, dtype=np.float32)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        return self._of_one(inputs[0]) if len(inputs) == 1 else self._of_several(inputs)

    def _of_one(self, vector: Floats) -> Product:
        # One long product is shared by the processor's cores where it is worth it; several short ones are not.
        blocks, outputs, size = self._weights.shape
        matrix = self._weights.reshape(blocks * outputs, size)
        products = np.empty(blocks * outputs, dtype=np.float32)
        shaped = products.reshape(blocks, 1, outputs)

        def product() -> Floats:
            np.dot(matrix, vector, out=products)
            return shaped

        return product

    def _of_several(self, inputs: Floats) -> Product:
        blocks, outputs, size = self._weights.shape
        columns = np.ascontiguousarray(self._weights.reshape(blocks * outputs, size).T)
        products = np.empty((len(inputs), blocks * outputs), dtype=np.float32)
        shaped = products.reshape(len(inputs), blocks, outputs).transpose(1, 0, 2)

        def product() -> Floats:
            np.matmul(inputs, columns, out=products)
            return shaped

        return product
