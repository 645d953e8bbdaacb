"""One step of the GRU as first published; its equations are in charlm/models/cells/gru_reset_before.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic, interpolate
from charlm.stepping.matrices import Float32Matrix


@final
class ResetBeforeGruStep(CellStep):
    """Gates: reset, update, candidate; the candidate's product is with the output that the reset gate lets through.

    Of the layer's product with the last output, only the first two blocks are of use.
    """

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        (self._remembered,) = layer.empty(1)
        self._candidate_product = Float32Matrix(layer.parameters.recurrent[2:]).bind(self._remembered)
        self._logistic = layer.empty(2)
        self._reset, self._update = self._logistic
        (self._candidate,) = layer.empty(1)

    def step(self) -> None:
        """Computes the next output."""
        inputs = self._addend()
        np.add(self._product()[:2], inputs[:2], out=self._logistic)
        np.tanh(self._logistic, out=self._logistic)
        finish_logistic(self._logistic)
        np.multiply(self._reset, self._hidden, out=self._remembered)
        np.add(self._candidate_product()[0], inputs[2], out=self._candidate)
        np.tanh(self._candidate, out=self._candidate)
        interpolate(self._hidden, self._candidate, self._update)
