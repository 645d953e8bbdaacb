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


def hidden_weights(model: ModelConfig) -> int:
    """Returns the number of weights in the matrices of a network's hidden layers, as wide as these are."""
    pairs = CELLS[model.cell].num_matrix_pairs if model.model == "recurrent" else 1
    return 2 * pairs * model.num_layers * model.hidden_size**2


def default_dropout_of_examples(epochs: float) -> float:
    """Returns a dropout for the examples of a task by the passes over them.

    It is 0 for up to 2 epochs, 0.05 for 4 to 10, and 0.0075 more for each further epoch, up to 0.25.
    """
    return round(min(0.25, max(0.0, min(0.05, 0.025 * (epochs - 2.0)), 0.05 + 0.0075 * (epochs - 10.0))), 3)


def default_dropout(epochs: float, *, weights_per_symbol: float) -> float:
    """Returns a dropout: none where a text is hardly read again, more where more weights read it more often.

    It is 0 for up to 2 epochs and 0.05 from 4 on, as long as epochs times weights a symbol are at most 11; 0.1 more for
    each doubling of that, up to 0.4, and at most 0.05 for each epoch after the fourth.

    Args:
        weights_per_symbol: weights of the hidden layers' matrices for each symbol of the training text.
    """
    least = min(0.05, 0.025 * (epochs - 2.0))
    memorised = 0.1 * math.log2(max(1.0, epochs * weights_per_symbol / 8.0))
    return round(max(0.0, least, min(0.4, memorised, 0.05 * (epochs - 4.0))), 3)
