"""One step of the GRU; its equations are in charlm/models/cells/gru.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic, interpolate


@final
class GruStep(CellStep):
    """Gates: reset, update, candidate; the product is with the last output alone."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        self._bias = layer.parameters.inner_bias[-1]
        self._logistic = layer.empty(2)
        self._reset, self._update = self._logistic
        (self._candidate,) = layer.empty(1)

    def step(self) -> None:
        """Computes the next output."""
        products, inputs = self._product(), self._addend()
        logistic_sums = products[:2]
        np.add(logistic_sums, inputs[:2], out=logistic_sums)
        np.tanh(logistic_sums, out=self._logistic)
        finish_logistic(self._logistic)
        np.add(products[2], self._bias, out=self._candidate)
        np.multiply(self._candidate, self._reset, out=self._candidate)
        np.add(self._candidate, inputs[2], out=self._candidate)
        np.tanh(self._candidate, out=self._candidate)
        interpolate(self._hidden, self._candidate, self._update)
