"""The names and shapes of the arrays that a network's checkpoint holds, from its configuration alone.

Nothing is built for it: the shapes of networks that fit no memory cost as little as those of small ones.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from charlm.cells import CELLS, LayerShapes, Shapes, dense_shapes
from charlm.config import Mixing, ModelConfig
from charlm.ngrams.model import num_features
from charlm.tasks import Outputs, num_directions

GATE_SIZE = 32
"""Units of the gate between a network and an n-gram model."""

GATE_OUTPUTS: Mapping[Mixing, int] = {"log-linear": 2, "linear": 1}
"""What it puts out: a weight for each, or one share."""


POOLED_PARTS = 3
"""Vectors that a whole example is summarised by: the last, the largest and the mean."""


_HASHED_WEIGHTS = 2**19
"""The weights of hashed n-grams: as many rows as fit, whatever the number of labels."""


def hashed_rows(num_labels: int) -> int:
    """Returns how many rows of weights, one for each label, the n-grams of examples share."""
    return max(1, _HASHED_WEIGHTS // num_labels)


class StateShape(NamedTuple):
    """The shape of an array and the name of its numbers' type."""

    shape: tuple[int, ...]
    dtype: str


def weight_shapes(model: ModelConfig, *, vocabulary_size: int, outputs: Outputs | None = None) -> Shapes:
    """Returns the names and shapes of all weights of a network, and of the gate of a mixed model; none of n-grams.

    Args:
        outputs: the labels that it predicts; None where it is the next symbol.
    """
    if model.model == "ngram":
        return {}
    if outputs is not None:
        return _labelling_shapes(model, outputs, vocabulary_size=vocabulary_size)
    network = _network_shapes(model, vocabulary_size=vocabulary_size)
    order = model.mixed_order
    if order is None:
        return network
    return {f"network.{name}": shape for name, shape in network.items()} | {
        "gate.hidden.weight": (GATE_SIZE, num_features(order) + 2),
        "gate.hidden.bias": (GATE_SIZE,),
        "gate.output.weight": (GATE_OUTPUTS[model.known_mixing], GATE_SIZE),
        "gate.output.bias": (GATE_OUTPUTS[model.known_mixing],),
    }


def count_weights(model: ModelConfig, *, vocabulary_size: int, outputs: Outputs | None = None) -> int:
    """Returns the number of weights of a network, the gate of a mixed model included; arguments as above."""
    shapes = weight_shapes(model, vocabulary_size=vocabulary_size, outputs=outputs)
    tied = {"output.weight", "network.output.weight"} if model.tie_weights else set[str]()  # Listed under both names.
    return sum(math.prod(shape) for name, shape in shapes.items() if name not in tied)


def state_shapes(
    model: ModelConfig, *, vocabulary_size: int, batch_size: int, outputs: Outputs | None = None
) -> dict[str, StateShape]:
    """Returns the shape and the type of each array that a model carries, named state.0, state.1, …

    A network that labels whole examples carries nothing.
    """
    if outputs is not None:
        return {}
    order = model.mixed_order
    states = _network_states(model, vocabulary_size=vocabulary_size, batch_size=batch_size)
    if order is not None:
        states.append(StateShape((order, batch_size), "int64"))
    return {f"state.{index}": state for index, state in enumerate(states)}


def state_names(model: ModelConfig) -> tuple[str, ...]:
    """Returns the names of the arrays that a model carries, in their order: those of the equations, such as h and c."""
    if model.model == "ngram":
        return ("contexts",)
    names = ["window"] if model.model == "mlp" else [state.name for state in CELLS[model.cell].states]
    return tuple(names) if model.mixed_order is None else (*names, "contexts")


def unit_state(model: ModelConfig) -> tuple[int, str]:
    """Returns which array of an observed network's state has the values of its units, and the letter of what they are.

    It is c, the memory, of cells that carry one, else h, the output; a network that carries neither shows h after all
    that it carries.
    """
    names = [name for name in state_names(model) if name != "contexts"]
    part = next((names.index(name) for name in ("c", "h") if name in names), len(names))
    return part, "c" if "c" in names else "h"


def _network_shapes(model: ModelConfig, *, vocabulary_size: int) -> Shapes:
    hidden, embedding = model.hidden_size, model.embedding_size or model.hidden_size
    layer_shapes: LayerShapes = dense_shapes
    lowest = embedding
    shapes: Shapes = {"embedding.weight": (vocabulary_size, embedding)}
    if model.model == "mlp":
        shapes["before"] = (embedding,)
        lowest = model.window * embedding
    else:
        cell = CELLS[model.cell]
        shapes |= dict.fromkeys(cell.weights_by_symbol, (vocabulary_size, hidden))
        layer_shapes = cell.layer_shapes
    for index in range(model.num_layers):
        of_layer = layer_shapes(lowest if index == 0 else hidden, hidden)
        shapes |= {f"layers.{index}.{name}": shape for name, shape in of_layer.items()}
    shapes |= _norm_shapes(model, "norms", width=hidden)
    # Tied weights are stored under both names.
    return shapes | {"output.weight": (vocabulary_size, hidden), "output.bias": (vocabulary_size,)}


def _labelling_shapes(model: ModelConfig, outputs: Outputs, *, vocabulary_size: int) -> Shapes:
    hidden, size = model.hidden_size, model.embedding_size or model.hidden_size
    width = hidden * num_directions(model.direction)
    stacks = ("layers", "backward_layers")[: num_directions(model.direction)]
    shapes: Shapes = {"embedding.weight": (vocabulary_size, size), "output.bias": (outputs.number,)}
    for stack in stacks:
        shapes |= _stack_shapes(model, stack, width=width)
    shapes |= _norm_shapes(model, "norms", width=width)
    if outputs.head == "sequence":
        cell = CELLS[model.cell]
        shapes |= _stack_shapes(model, "decoder_layers", width=hidden) | {"output.weight": (outputs.number, hidden)}
        shapes |= _named("bridge", width, hidden * len(cell.states))
        if model.attention != "none":
            shapes |= {"query.weight": (width, hidden)} | _named("combine", hidden + width, hidden)
        shapes |= _norm_shapes(model, "decoder_norms", width=hidden)
        if model.attention == "gnmt":
            upper = cell.layer_shapes(hidden + width, hidden)
            shapes |= {f"upper_layer.{part}": shape for part, shape in upper.items()}
            shapes |= {f"upper_norm.{part}": (hidden,) for part in ("weight", "bias") if model.layer_norm}
        return shapes
    if model.label_ngrams == "hashed":
        shapes["hashed_ngrams.weight"] = (hashed_rows(outputs.number), outputs.number)
    features = width * POOLED_PARTS if outputs.head == "pooled" else width
    return shapes | {"output.weight": (outputs.number, features)}


def _stack_shapes(model: ModelConfig, name: str, *, width: int) -> Shapes:
    """Returns the shapes of layers of which all but the lowest have so many inputs."""
    sizes = [model.embedding_size or model.hidden_size] + [width] * (model.num_layers - 1)
    layers = (CELLS[model.cell].layer_shapes(size, model.hidden_size) for size in sizes)
    return {f"{name}.{index}.{part}": shape for index, layer in enumerate(layers) for part, shape in layer.items()}


def _norm_shapes(model: ModelConfig, name: str, *, width: int) -> Shapes:
    """Returns the shapes of the norms after the layers of a stack, if it has norms."""
    layers = range(model.num_layers if model.layer_norm else 0)
    return {f"{name}.{index}.{part}": (width,) for index in layers for part in ("weight", "bias")}


def _named(name: str, num_inputs: int, num_outputs: int) -> Shapes:
    return {f"{name}.{part}": shape for part, shape in dense_shapes(num_inputs, num_outputs).items()}


def _network_states(model: ModelConfig, *, vocabulary_size: int, batch_size: int) -> list[StateShape]:
    if model.model == "ngram":
        return [StateShape((model.order, batch_size), "int64")]
    if model.model == "mlp":
        return [StateShape((model.window - 1, batch_size), "int64")]
    sizes = {"hidden": model.hidden_size, "vocabulary": vocabulary_size}
    return [
        StateShape((1 if state.is_shared else model.num_layers, batch_size, sizes[state.size]), "float32")
        for state in CELLS[model.cell].states
    ]
