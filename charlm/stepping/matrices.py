"""Matrix products in which a row's sums do not depend on the other rows, so that a text is the same in any company.

BLAS adds up the product of several rows in another order than that of one. So these are products with one vector
each: NumPy computes a stack of them one by one. See docs/decisions/0004-step-engine.md.
"""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from charlm.stepping.base import Floats

Product = Callable[[], Floats]
"""Returns the product `[blocks, batch, outputs]` with what the buffer holds now, the caller's until the next call."""


class Matrix(Protocol):
    """Weights `[blocks, outputs, inputs]`: blocks with outputs of their own and the same inputs."""

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`, every row as it is without the others."""


@final
class Float32Matrix:
    """A matrix in float32, laid out once for many products with the same buffer."""

    def __init__(self, weights: Floats) -> None:
        self._weights = np.ascontiguousarray(weights, dtype=np.float32)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        # All blocks in one product, which is shared by the processor's cores where it is worth it.
        blocks, outputs, size = self._weights.shape
        matrix = self._weights.reshape(blocks * outputs, size)
        products = np.empty((len(inputs), blocks * outputs, 1), dtype=np.float32)
        shaped = products.reshape(len(inputs), blocks, outputs).transpose(1, 0, 2)
        # The same product; for one vector alone `dot` is called faster.
        alone = len(inputs) == 1
        multiply, vectors = (np.dot, inputs[0]) if alone else (np.matmul, inputs[:, :, None])
        out = products[0, :, 0] if alone else products

        def product() -> Floats:
            multiply(matrix, vectors, out=out)
            return shaped

        return product


def multiply_rows(rows: Floats, matrix: Floats) -> Floats:
    """Returns `rows` `[batch, inputs]` times `matrix` `[inputs, outputs]`, every row as it is without the others."""
    products: Floats = np.matmul(rows[:, None], matrix)[:, 0]
    return products
