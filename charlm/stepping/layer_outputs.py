"""The residual connection and the normalisation after a layer."""

from collections.abc import Callable

import numpy as np

from charlm.stepping.base import Arrays, Floats, float32_copy

_EPSILON = 1e-5  # torch's LayerNorm

OutputWriter = Callable[[], None]
"""Writes a layer's output into its buffer, from what its recurrence left in another one."""

Norm = tuple[Floats, Floats]
"""Gain and offset of a LayerNorm (Ba et al. 2016), `[hidden]` each."""


def stored_norm(weights: Arrays, index: int) -> Norm | None:
    """Returns the LayerNorm after a layer from a stored model's weights; None without one."""
    gain = weights.get(f"norms.{index}.weight")
    if gain is None:
        return None
    return float32_copy(gain), float32_copy(weights[f"norms.{index}.bias"])


def normalized(values: Floats, norm: Norm | None) -> Floats:
    """Returns the rows of `values` normalised; without a norm, as they are."""
    if norm is None:
        return values
    result = values.copy()
    _normalize(result, *norm)()
    return result


def output_writer(hidden: Floats, outputs: Floats, *, added: Floats | None, norm: Norm | None) -> OutputWriter:
    """Returns the function that writes a layer's output: `hidden` as it is then, plus `added`, normalised.

    Args:
        hidden: `[rows, hidden]`.
        outputs: of the same shape; other memory.
        added: the layer's input, where it is added to its output; of the same shape.
    """

    def write() -> None:
        if added is None:
            np.copyto(outputs, hidden)
        else:
            np.add(hidden, added, out=outputs)

    if norm is None:
        return write
    normalize = _normalize(outputs, *norm)

    def write_normalized() -> None:
        write()
        normalize()

    return write_normalized


def _normalize(values: Floats, gain: Floats, offset: Floats) -> OutputWriter:
    size = values.shape[1]
    moment = np.empty((len(values), 1), dtype=np.float32)
    squares = np.empty(values.shape, dtype=np.float32)

    def normalize() -> None:
        np.add.reduce(values, axis=1, keepdims=True, out=moment)
        np.divide(moment, size, out=moment)
        np.subtract(values, moment, out=values)
        np.multiply(values, values, out=squares)
        np.add.reduce(squares, axis=1, keepdims=True, out=moment)
        np.divide(moment, size, out=moment)
        np.add(moment, _EPSILON, out=moment)
        np.sqrt(moment, out=moment)
        np.divide(values, moment, out=values)
        np.multiply(values, gain, out=values)
        np.add(values, offset, out=values)

    return normalize
