"""Matrices in 8 bits: weights rounded to integers, and for large matrices the inputs, too.

Products of integers are added up without loss. Whoever adds them up gives the same bits: torch (int8_torch.py), which
reads a quarter of the memory but takes a second to load, or NumPy, in float32. A small matrix keeps its rounded weights
in float32: to round the inputs would take longer than such products of integers save.
"""

from collections.abc import Callable
from typing import Any, Protocol, final

import numpy as np

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Float32Matrix, Matrix, Product

_LARGEST = np.float32(127)
_SMALLEST = np.float32(1e-30)
"""What the largest input is taken to be at least, so that inputs of zero have a scale."""

_FEWEST_WEIGHTS = 200_000
"""From so many weights on, inputs are rounded, too; measured (docs/experiments.md)."""

_EXACT_INPUTS = 2**24 // 127**2
"""The most products of two integers up to 127 whose sums float32 holds, in whatever order they are added up."""


def round_rows(rows: Floats) -> tuple[Floats, Floats]:
    """Returns integers from -127 to 127, `[rows, inputs]`, and a scale for each row, `[rows]`: weights in 8 bits."""
    largest = np.abs(rows).max(axis=1)
    scales: Floats = np.where(largest > 0, largest, 1.0).astype(np.float32) / _LARGEST
    return np.rint(rows / scales[:, None]), scales


def rounds_inputs(num_weights: int) -> bool:
    """Returns whether a matrix of so many weights is large enough for products of integers to be faster than others.

    The size alone decides, so that a model gives the same numbers however many symbols are drawn of it.
    """
    return num_weights >= _FEWEST_WEIGHTS


class IntegerMatrix(Protocol):
    """Integers from -127 to 127, `[outputs, inputs]`."""

    def bind(self, inputs: Floats) -> Callable[[], Floats]:
        """Returns the exact product with such integers in the buffer `inputs`, `[batch, inputs]`.

        A call returns `[batch, outputs]`, the caller's until the next call.
        """


@final
class FloatIntegers:
    """Integers kept as float32, multiplied by NumPy."""

    def __init__(self, integers: Floats) -> None:
        starts = range(0, integers.shape[1], _EXACT_INPUTS)
        self._parts = [(start, Float32Matrix(integers[None, :, start : start + _EXACT_INPUTS])) for start in starts]

    def bind(self, inputs: Floats) -> Callable[[], Floats]:
        """Returns the exact product with the buffer `inputs`, `[batch, inputs]`."""
        first, *others = (part.bind(inputs[:, start : start + _EXACT_INPUTS]) for start, part in self._parts)
        if not others:
            return lambda: first()[0]

        def product() -> Floats:
            total = first()[0].astype(np.float64)
            for other in others:
                total += other()[0]
            rounded: Floats = total.astype(np.float32)
            return rounded

        return product


def int8_matrix(weights: Floats, *, make_integers: Callable[[Floats], IntegerMatrix] = FloatIntegers) -> Matrix:
    """Returns a matrix `[blocks, outputs, inputs]` with weights rounded to 8 bits: the faster kind at its size.

    Args:
        make_integers: how a large matrix keeps them and multiplies; not part of the result.
    """
    if rounds_inputs(weights.size):
        return Int8Matrix(weights, make_integers=make_integers)
    integers, scales = round_rows(weights.reshape(-1, weights.shape[2]))
    return Float32Matrix((integers * scales[:, None]).reshape(weights.shape))


@final
class Int8Matrix:
    """Weights rounded to 8 bits, with a scale for each output; inputs are rounded likewise, with one for each stream.

    Sums of integers are exact, so that a stream's products do not depend on the streams beside it.

    Args:
        make_integers: how the rounded weights are kept and multiplied; not part of the result.
    """

    def __init__(self, weights: Floats, *, make_integers: Callable[[Floats], IntegerMatrix] = FloatIntegers) -> None:
        self._shape = weights.shape[:2]
        integers, self._scales = round_rows(weights.reshape(-1, weights.shape[2]))
        self._integers = make_integers(integers)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        num_streams, scales = len(inputs), self._scales
        rounded = np.empty(inputs.shape, dtype=np.float32)
        products = np.empty((num_streams, len(scales)), dtype=np.float32)
        shaped: Floats = products.reshape(num_streams, *self._shape).transpose(1, 0, 2)
        sums = self._integers.bind(rounded)
        largest = _row_largest(rounded)

        def product() -> Floats:
            np.abs(inputs, out=rounded)
            scale = largest()
            np.multiply(inputs, _LARGEST / scale, out=rounded)
            np.rint(rounded, out=rounded)
            np.multiply(sums(), scales, out=products)
            np.multiply(products, scale / _LARGEST, out=products)
            return shaped

        return product


def _row_largest(values: Floats) -> Callable[[], Any]:
    """Returns what tells the largest number in each row of a buffer now, or of its only row: that is faster."""
    if len(values) > 1:
        largest = np.empty((len(values), 1), dtype=np.float32)
        return lambda: np.maximum.reduce(values, axis=1, keepdims=True, out=largest, initial=_SMALLEST)
    row = values[0]
    return lambda: max(row[row.argmax()], _SMALLEST)
