"""Defaults that depend on other settings; docs/budget.md has the experiments behind them."""

import math

from charlm.cells import CELLS
from charlm.config import ModelConfig

_MLP_RATE_AT_192 = 0.024
_MLP_EMBEDDING_SIZE = 64


def default_learning_rate(model: ModelConfig, hidden_size: int) -> float:
    """Returns a peak learning rate for a network, lower for a wider one."""
    at_192 = CELLS[model.cell].learning_rate if model.model == "recurrent" else _MLP_RATE_AT_192
    return round(min(0.05, at_192 * math.pow(192 / hidden_size, 0.75)), 4)


def default_embedding_size(model: ModelConfig) -> int:
    """Returns an embedding size: the number of units, or less for a feed-forward network.

    A feed-forward network reads a window of embeddings at once. Small embeddings keep its first matrix small
    (docs/experiments.md).
    """
    return _MLP_EMBEDDING_SIZE if model.model == "mlp" else model.hidden_size


def default_dropout(epochs: float) -> float:
    """Returns a dropout for a number of epochs: what is hardly read again is not memorised, more epochs need more.

    It is 0 for up to 2 epochs, 0.05 for 4 to 10, and 0.0075 more for each further epoch, up to 0.25.
    """
    return round(min(0.25, max(0.0, min(0.05, 0.025 * (epochs - 2.0)), 0.05 + 0.0075 * (epochs - 10.0))), 3)
