"""Defaults that follow from other settings; docs/budget.md has the experiments they rest on."""

import math

from charlm.cells import CELLS
from charlm.config import ModelConfig

_MLP_RATE_AT_192 = 0.024
_MLP_EMBEDDING_SIZE = 64


def default_learning_rate(model: ModelConfig, hidden_size: int) -> float:
    """Returns a highest learning rate that suits a network and its width: the wider, the lower."""
    at_192 = CELLS[model.cell].learning_rate if model.model == "recurrent" else _MLP_RATE_AT_192
    return round(min(0.05, at_192 * math.pow(192 / hidden_size, 0.75)), 4)


def default_embedding_size(model: ModelConfig) -> int:
    """Returns how many numbers suit a symbol's embedding: as many as units, but few where a window's lie side by side.

    The first matrix of a feed-forward network then stays small beside the others (docs/experiments.md).
    """
    return _MLP_EMBEDDING_SIZE if model.model == "mlp" else model.hidden_size


def default_dropout(epochs: float) -> float:
    """Returns a dropout that suits how often the text is read: more passes over the same text need more.

    0.05 up to 10 epochs, then 0.0075 more for each one, up to 0.25.
    """
    return round(min(0.25, max(0.05, 0.05 + 0.0075 * (epochs - 10.0))), 3)
