"""One step of the GRU with an update gate alone; its equations are in charlm/models/cells/gru_simple.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic, interpolate


@final
class SimpleGruStep(CellStep):
    """Gates: update, candidate."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        self._gates = layer.empty(2)
        self._update, self._candidate = self._gates

    def step(self) -> None:
        """Computes the next output."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.tanh(self._gates, out=self._gates)
        finish_logistic(self._update)
        interpolate(self._hidden, self._candidate, self._update)
