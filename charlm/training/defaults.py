"""Defaults that follow from other settings; docs/budget.md has the experiments they rest on."""

import math

from charlm.config import Cell, ModelConfig

_RATE_AT_192: dict[Cell, float] = {
    "lstm": 0.03,
    "lstm-peephole": 0.03,
    "gru": 0.012,
    "gru-reset-before": 0.012,
    "gru-simple": 0.012,
    "rnn": 0.015,
    "jordan": 0.015,
    "st-lstm": 0.03,
}


_MLP_RATE_AT_192 = 0.024
_MLP_EMBEDDING_SIZE = 64


def default_learning_rate(model: ModelConfig, hidden_size: int) -> float:
    """Returns a highest learning rate that suits a network and its width: the wider, the lower."""
    at_192 = _RATE_AT_192[model.cell] if model.model == "recurrent" else _MLP_RATE_AT_192
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
