"""Defaults that follow from other settings; docs/budget.md has the experiments they rest on."""

import math

from charlm.models.recurrent import Cell

_RATE_AT_192 = {"lstm": 0.03, "gru": 0.012, "rnn": 0.015}


def default_learning_rate(cell: Cell, hidden_size: int) -> float:
    """Returns a highest learning rate that suits a cell and its width: the wider, the lower."""
    return round(min(0.05, _RATE_AT_192[cell] * math.pow(192 / hidden_size, 0.75)), 4)


def default_dropout(epochs: float) -> float:
    """Returns a dropout that suits how often the text is read: more passes over the same text need more.

    0.05 up to 10 epochs, then 0.0075 more for each one, up to 0.25.
    """
    return round(min(0.25, max(0.05, 0.05 + 0.0075 * (epochs - 10.0))), 3)
