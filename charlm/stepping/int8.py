"""Matrices in 8 bits, multiplied by torch: a step reads a quarter of the memory."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Product

_LARGEST = 127
# The kernel reads and writes whole registers whatever the sizes: both are filled up with zeros to a multiple.
_MULTIPLE = 64
# With more streams than this a step computes more than it reads, and the rounded weights as floats are faster.
_MOST_STREAMS = 8


@final
class Int8Matrix:
    """Weights rounded to 8 bits, with a scale for each output.

    Up to 8 streams are multiplied by the integers themselves, inputs and products rounded to bfloat16; more
    of them by the rounded weights in bfloat16 where the processor has matrix units for it, else in float32.
    The kernel is the one torch's quantised language models use; torch's older "quantized" operators are
    faster still, but deprecated in 2.13.
    """

    def __init__(self, weights: Floats) -> None:
        self._shape = weights.shape[:2]
        rows = torch.from_numpy(weights).flatten(0, 1)
        # The kernel takes its scales in bfloat16, so they are rounded before the weights are divided by them.
        scales = (rows.abs().amax(dim=1) / _LARGEST).bfloat16()
        scales = scales.where(scales > 0, 1.0)
        rounded = (rows / scales[:, None]).round().clamp(-_LARGEST, _LARGEST)
        missing_outputs, missing_inputs = (-size % _MULTIPLE for size in rows.shape)
        self._scales = functional.pad(scales, (0, missing_outputs))
        self._integers = functional.pad(rounded.to(torch.int8), (0, missing_inputs, 0, missing_outputs))

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        num_streams, num_inputs = inputs.shape
        num_outputs = self._shape[0] * self._shape[1]
        integers, scales = self._integers, self._scales
        if num_streams > _MOST_STREAMS:
            has_matrix_units = torch.cpu._is_amx_tile_supported()
            rows = (integers * scales[:, None].float())[:num_outputs, :num_inputs]
            return _multiplied(inputs, rows.bfloat16() if has_matrix_units else rows, self._shape)
        buffer = torch.from_numpy(inputs)
        filled = torch.zeros(num_streams, integers.shape[1], dtype=torch.bfloat16)
        narrow = filled[:, :num_inputs]
        products = torch.empty(num_streams, num_outputs)
        shaped = _blocks(products, self._shape)

        def product() -> Floats:
            narrow.copy_(buffer)
            products.copy_(torch._weight_int8pack_mm(filled, integers, scales)[:, :num_outputs])
            return shaped

        return product


@final
class TorchMatrix:
    """A matrix in float32, multiplied by torch: beside int8 layers, NumPy's threads would hinder torch's."""

    def __init__(self, weights: Floats) -> None:
        self._shape = weights.shape[:2]
        self._rows = torch.from_numpy(weights).flatten(0, 1)

    def bind(self, inputs: Floats) -> Product:
        """Returns the product with the buffer `inputs`, `[batch, inputs]`."""
        return _multiplied(inputs, self._rows, self._shape)


def _multiplied(inputs: Floats, rows: Tensor, shape: tuple[int, ...]) -> Product:
    buffer, columns = torch.from_numpy(inputs), rows.t()
    products = torch.empty(len(inputs), len(rows))
    shaped = _blocks(products, shape)

    def product() -> Floats:
        torch.mm(buffer, columns, out=products)
        return shaped

    if rows.dtype == torch.float32:
        return product
    narrow_inputs, narrow_products = torch.empty_like(buffer, dtype=rows.dtype), products.to(rows.dtype)

    def narrow_product() -> Floats:
        narrow_inputs.copy_(buffer)
        torch.mm(narrow_inputs, columns, out=narrow_products)
        products.copy_(narrow_products)
        return shaped

    return narrow_product


def _blocks(products: Tensor, shape: tuple[int, ...]) -> Floats:
    """Returns a view of `products` `[batch, blocks * outputs]` as `[blocks, batch, outputs]`."""
    blocks: Floats = products.numpy().reshape(len(products), *shape).transpose(1, 0, 2)
    return blocks
