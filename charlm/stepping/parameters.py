"""A stored layer's weights as the engine takes them: gates in its order, biases merged, all in float32."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.cells import Cell, Gate
from charlm.stepping.base import Arrays, Floats, float32_copy
from charlm.stepping.norms import Norm, stored_norm

_ARRANGED = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


@dataclass(frozen=True)
class LayerParameters:
    """One recurrent layer; its gates stand in the order that charlm/stepping/cells/base.py describes.

    Attributes:
        inputs: `[gates, hidden, inputs]`.
        recurrent: `[gates, hidden, hidden]`.
        bias: `[gates, hidden]`.
        inner_bias: of the gates whose product with the state another gate multiplies, `[gates, hidden]`; else zero.
        further: the layer's other weights, as they are stored and by their names there.
        norm: gain and offset of the layer's LayerNorm, `[hidden]` each; None without one.
    """

    inputs: Floats
    recurrent: Floats
    bias: Floats
    inner_bias: Floats
    further: Mapping[str, Floats]
    norm: Norm | None


def layer_parameters(weights: Arrays, index: int, *, cell: Cell) -> LayerParameters:
    """Returns a layer of the weights of a stored model, named and shaped as its modules name and shape them."""
    stored = {name: weights[f"layers.{index}.{name}"] for name in cell.layer_shapes(1, 1)}
    inputs, recurrent, bias = (_arrange_gates(stored[name], cell) for name in _ARRANGED[:3])
    # Torch's own layers have two biases, which are added; the others one.
    state_bias = _arrange_gates(stored["bias_hh_l0"], cell) if "bias_hh_l0" in stored else np.zeros_like(bias)
    is_inner = np.array([gate.has_inner_bias for gate in _in_step_order(cell)])[:, None]
    return LayerParameters(
        inputs=inputs,
        recurrent=recurrent,
        bias=bias + np.where(is_inner, np.float32(0.0), state_bias),
        inner_bias=np.where(is_inner, state_bias, np.float32(0.0)),
        further={name: float32_copy(array) for name, array in stored.items() if name not in _ARRANGED},
        norm=stored_norm(weights, index),
    )


def _in_step_order(cell: Cell) -> list[Gate]:
    return sorted(cell.gates, key=lambda gate: not gate.is_logistic)


def _arrange_gates(stacked: NDArray[Any], cell: Cell) -> Floats:
    blocks = float32_copy(stacked).reshape(len(cell.gates), -1, *stacked.shape[1:])
    by_gate = dict(zip(cell.gates, blocks, strict=True))
    return np.stack([by_gate[gate] * np.float32(0.5 if gate.is_logistic else 1.0) for gate in _in_step_order(cell)])
