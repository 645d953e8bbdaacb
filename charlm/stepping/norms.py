"""The normalisation after a layer."""

import numpy as np

from charlm.stepping.base import Arrays, Floats, float32_copy

_EPSILON = 1e-5  # torch's LayerNorm

Norm = tuple[Floats, Floats]
"""Gain and offset of a LayerNorm (Ba et al. 2016), `[hidden]` each."""


def stored_norm(weights: Arrays, index: int) -> Norm | None:
    """Returns the LayerNorm after a layer from a stored model's weights; None without one."""
    gain = weights.get(f"norms.{index}.weight")
    if gain is None:
        return None
    return float32_copy(gain), float32_copy(weights[f"norms.{index}.bias"])


def normalize(values: Floats, norm: Norm | None) -> Floats:
    """Normalises the rows of `values` `[rows, hidden]` in place and returns them; without a norm, as they are."""
    if norm is not None:
        gain, offset = norm
        values -= np.add.reduce(values, axis=1, keepdims=True) / values.shape[1]
        variance = np.add.reduce(values * values, axis=1, keepdims=True) / values.shape[1]
        values /= np.sqrt(variance + _EPSILON)
        values *= gain
        values += offset
    return values
