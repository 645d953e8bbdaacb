"""One step of the Elman layer; its equation is in charlm/models/cells/rnn.py."""

from typing import final

import numpy as np

from charlm.config import Nonlinearity
from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic


@final
class RnnStep(CellStep):
    """One block of pre-activations, and an activation that is not a gate's."""

    def __init__(self, layer: BoundLayer, *, nonlinearity: Nonlinearity) -> None:
        super().__init__(layer)
        self._blocks = layer.hidden[None]
        self._nonlinearity = nonlinearity

    def step(self) -> None:
        """Computes the next output."""
        np.add(self._product(), self._addend(), out=self._blocks)
        match self._nonlinearity:
            case "relu":
                np.maximum(self._hidden, 0.0, out=self._hidden)
            case "tanh":
                np.tanh(self._hidden, out=self._hidden)
            case "sigmoid":
                np.multiply(self._hidden, 0.5, out=self._hidden)
                np.tanh(self._hidden, out=self._hidden)
                finish_logistic(self._hidden)
