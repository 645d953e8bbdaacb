"""Matrix products in which a row's sums do not depend on the other rows, so that a text is the same in any company.

BLAS adds up the product of several rows in another order than that of one. So these are products with one vector
each: NumPy computes a stack of them one by one. See docs/decisions/0004-step-engine.md.

A large matrix is multiplied in blocks of rows, as BLAS shares one that is larger among threads: they would meet at
every symbol, and wait there while another process has a core.
"""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from charlm.stepping.base import Floats

_BLOCK_WEIGHTS = 460_799
"""The most weights in a block: OpenBLAS shares the product of a larger matrix among threads."""

_UNSHARED_PRODUCTS = 1 << 18
"""The most products of two numbers in one of two matrices that OpenBLAS computes on one thread."""

_ROWS = 64
"""Blocks have a multiple of so many rows, as one of the kernel does: a row's sum is then that of the whole matrix."""

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
        gates, outputs, size = self._weights.shape
        rows = self._weights.reshape(gates * outputs, size)
        products = np.empty((len(inputs), gates * outputs, 1), dtype=np.float32)
        shaped = products.reshape(len(inputs), gates, outputs).transpose(1, 0, 2)
        # The same product; for one vector alone `dot` is called faster.
        alone = len(inputs) == 1
        multiply, vectors = (np.dot, inputs[0]) if alone else (np.matmul, inputs[:, :, None])
        parts = [
            (rows[start:stop], products[0, start:stop, 0] if alone else products[:, start:stop])
            for start, stop in _blocks(gates * outputs, size)
        ]

        def product() -> Floats:
            for block, out in parts:
                multiply(block, vectors, out=out)
            return shaped

        return product


@final
class JointMatrix:
    """A matrix in float32 whose product with all streams is one: faster, but a row's last bits depend on the others."""

    def __init__(self, weights: Floats) -> None:
        self._weights = np.ascontiguousarray(weights, dtype=np.float32)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        if len(inputs) == 1:
            return Float32Matrix(self._weights).bind(inputs)
        gates, outputs, size = self._weights.shape
        columns = self._weights.reshape(gates * outputs, size).T
        products = np.empty((len(inputs), gates * outputs), dtype=np.float32)
        shaped = products.reshape(len(inputs), gates, outputs).transpose(1, 0, 2)

        def product() -> Floats:
            np.matmul(inputs, columns, out=products)
            return shaped

        return product


def multiply_rows(rows: Floats, matrix: Floats) -> Floats:
    """Returns `rows` `[batch, inputs]` times `matrix` `[inputs, outputs]`, every row as it is without the others."""
    blocks = [np.matmul(rows[:, None], matrix[:, start:stop]) for start, stop in _blocks(matrix.shape[1], len(matrix))]
    products: Floats = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=2)
    return products[:, 0]


def multiply_unshared(rows: Floats, matrix: Floats) -> Floats:
    """Returns `rows` `[rows, inputs]` times `matrix` `[inputs, outputs]`, the same bits on any number of threads."""
    num_outputs = matrix.shape[1]
    width = max(1, min(num_outputs, _UNSHARED_PRODUCTS // len(matrix)))
    height = max(1, _UNSHARED_PRODUCTS // (len(matrix) * width))
    products = np.empty((len(rows), num_outputs), dtype=np.float32)
    for top in range(0, len(rows), height):
        for left in range(0, num_outputs, width):
            block = np.s_[left : left + width]
            np.matmul(rows[top : top + height], matrix[:, block], out=products[top : top + height, block])
    return products


def _blocks(num_rows: int, size: int) -> list[tuple[int, int]]:
    """Returns where each block of rows of this size starts and ends."""
    height = max(1, _BLOCK_WEIGHTS // (size * _ROWS)) * _ROWS
    return [(start, min(start + height, num_rows)) for start in range(0, num_rows, height)]
