"""A stored model's weights as the engine wants them: gates in its order, biases merged, all in float32."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.cells import Cell
from charlm.stepping.base import Floats

_NEEDED = ("weight_ih", "weight_hh", "bias_ih")
_STORED = (*_NEEDED, "bias_hh", "weight_peephole")


@dataclass(frozen=True)
class LayerParameters:
    """One recurrent layer.

    Attributes:
        inputs: `[gates, hidden, inputs]`.
        recurrent: `[gates, hidden, hidden]`.
        bias: `[gates, hidden]`.
        candidate_bias: the GRU's bias inside the reset gate, `[hidden]`; zero for others.
        peepholes: of the input, forget and output gate, halved as they are, `[3, hidden]`; None without them.
        norm: gain and offset of the layer's LayerNorm, `[hidden]` each; None without one.
    """

    inputs: Floats
    recurrent: Floats
    bias: Floats
    candidate_bias: Floats
    peepholes: Floats | None
    norm: tuple[Floats, Floats] | None


@dataclass(frozen=True)
class Parameters:
    """A recurrent language model.

    Attributes:
        embedding: `[vocabulary, embedding]`.
        output: `[vocabulary, hidden]`.
        output_bias: `[vocabulary]`.
    """

    embedding: Floats
    layers: tuple[LayerParameters, ...]
    output: Floats
    output_bias: Floats


def arrange(weights: Mapping[str, NDArray[Any]], *, cell: Cell, num_layers: int) -> Parameters:
    """Returns the parameters in the weights of a stored model, named as its modules name them.

    Raises:
        KeyError: one is missing.
        ValueError: their shapes are not those of one model.
    """
    layers = tuple(_layer(weights, index, cell) for index in range(num_layers))
    parameters = Parameters(
        embedding=_float32(weights["embedding.weight"]),
        layers=layers,
        output=_float32(weights["output.weight"]),
        output_bias=_float32(weights["output.bias"]),
    )
    _require_consistent(parameters, cell)
    return parameters


def _layer(weights: Mapping[str, NDArray[Any]], index: int, cell: Cell) -> LayerParameters:
    stored = {name: weights.get(f"layers.{index}.{name}_l0") for name in _STORED}
    inputs, recurrent, input_bias = (_arrange_gates(weights[f"layers.{index}.{name}_l0"], cell) for name in _NEEDED)
    # Torch's own layers have two biases, which are added; the others one.
    second = stored["bias_hh"]
    recurrent_bias = np.zeros_like(input_bias) if second is None else _arrange_gates(second, cell)
    peepholes = stored["weight_peephole"]
    candidate_bias = np.zeros_like(recurrent_bias[-1])
    if cell.gates[-1].has_inner_bias:
        candidate_bias = recurrent_bias[-1].copy()
        recurrent_bias[-1] = 0.0
    gain = weights.get(f"norms.{index}.weight")
    norm = None if gain is None else (_float32(gain), _float32(weights[f"norms.{index}.bias"]))
    return LayerParameters(
        inputs,
        recurrent,
        input_bias + recurrent_bias,
        candidate_bias,
        None if peepholes is None else 0.5 * _float32(peepholes),
        norm,
    )


def _arrange_gates(stacked: NDArray[Any], cell: Cell) -> Floats:
    blocks = _float32(stacked).reshape(len(cell.gates), -1, *stacked.shape[1:])
    halved = [block * np.float32(0.5) for gate, block in zip(cell.gates, blocks, strict=True) if gate.is_logistic]
    others = [block for gate, block in zip(cell.gates, blocks, strict=True) if not gate.is_logistic]
    return np.stack(halved + others)


def _float32(array: NDArray[Any]) -> Floats:
    # Always a copy: a model that goes on training must not change the engine.
    return np.array(array, dtype=np.float32, order="C")


def _require_consistent(parameters: Parameters, cell: Cell) -> None:
    vocabulary_size, size = parameters.embedding.shape
    hidden_size = parameters.output.shape[1]
    for layer in parameters.layers:
        gates = len(layer.bias)
        if layer.inputs.shape != (gates, hidden_size, size) or layer.recurrent.shape != (
            gates,
            hidden_size,
            hidden_size,
        ):
            raise ValueError(f"a layer of {layer.inputs.shape} and {layer.recurrent.shape}")
        peepholes = cell.layer_shapes(size, hidden_size).get("weight_peephole_l0")
        if peepholes is not None and (layer.peepholes is None or layer.peepholes.shape != peepholes):
            raise ValueError("peepholes missing, or of another width")
        if layer.norm is not None and any(part.shape != (hidden_size,) for part in layer.norm):
            raise ValueError(f"a norm of {layer.norm[0].shape}")
        size = hidden_size
    if parameters.output.shape[0] != vocabulary_size or parameters.output_bias.shape != (vocabulary_size,):
        raise ValueError(f"an output of {parameters.output.shape}")
