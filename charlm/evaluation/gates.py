"""The activity of a network's gates: how often they are nearly shut or nearly open."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from charlm.cells import CELLS
from charlm.models.recurrent import RecurrentLanguageModel

SHUT, OPEN = 0.1, 0.9
BINS = 20


@dataclass(frozen=True)
class GateActivity:
    """The activity of one gate of one layer.

    Attributes:
        left_saturated: share of activations below 0.1, over all units and symbols.
        right_saturated: share of activations above 0.9.
        per_unit: both shares for each unit, as in the figure of Karpathy, Johnson and Fei-Fei (2015).
        histogram: share of activations in each of equally wide bins from 0 to 1.
    """

    layer: int
    gate: str
    left_saturated: float
    right_saturated: float
    per_unit: tuple[tuple[float, float], ...]
    histogram: tuple[float, ...]


def cells_with_gates() -> tuple[str, ...]:
    """Returns the names of the cells with logistic gates that depend only on a layer's inputs and last output."""
    return tuple(
        name
        for name, cell in CELLS.items()
        if cell.stands_alone and not cell.gates_see_memory and any(gate.is_logistic for gate in cell.gates)
    )


@torch.no_grad()
def gate_activities(model: RecurrentLanguageModel, tokens: Tensor) -> list[GateActivity]:
    """Returns the activity of every gate while the model reads texts.

    Args:
        model: a model with one of `cells_with_gates`, on the CPU, in evaluation mode.
        tokens: int64 `[time, batch]`.
    """
    values = model.embedding(tokens)
    activities = []
    for index, (layer, norm) in enumerate(zip(model.layers, model.norms, strict=True)):
        first = tuple(part[index : index + 1] for part in model.initial_state(tokens.shape[1]))
        outputs, _ = layer(values, first if len(first) > 1 else first[0])
        before = torch.cat((first[0], outputs[:-1]))
        weights = dict(layer.named_parameters())
        sums = functional.linear(values, weights["weight_ih_l0"], weights["bias_ih_l0"])
        sums = sums + functional.linear(before, weights["weight_hh_l0"], weights.get("bias_hh_l0"))
        gates = CELLS[model.cell].gates
        for gate, activations in zip(gates, sums.sigmoid().chunk(len(gates), dim=-1), strict=True):
            if gate.is_logistic:
                activities.append(_activity(index, gate.name, activations.flatten(0, 1)))
        if model.residual and outputs.shape == values.shape:
            outputs = outputs + values
        values = norm(outputs)
    return activities


def _activity(layer: int, name: str, gate: Tensor) -> GateActivity:
    """Returns the activity of one gate from its activations `[symbols, units]`."""
    left, right = (gate < SHUT).float().mean(0), (gate > OPEN).float().mean(0)
    histogram = torch.histc(gate, bins=BINS, min=0.0, max=1.0) / gate.numel()
    return GateActivity(
        layer,
        name,
        float(left.mean()),
        float(right.mean()),
        tuple(zip(left.tolist(), right.tolist(), strict=True)),
        tuple(histogram.tolist()),
    )
