"""One step of the LSTM; its equations are in charlm/models/cells/lstm.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic


@final
class LstmStep(CellStep):
    """Gates: input, forget, output, candidate."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer, num_states=2)
        self._memory = self.state[1]
        self._gates = layer.empty(4)
        self._logistic = self._gates[:3]
        self._input, self._forget, self._output, self._candidate = self._gates
        self._squashed = np.empty_like(self._memory)

    def step(self) -> None:
        """Computes the next output and memory."""
        sums = self._product()
        np.add(sums, self._addend(), out=sums)
        np.tanh(sums, out=self._gates)
        finish_logistic(self._logistic)
        np.multiply(self._memory, self._forget, out=self._memory)
        np.multiply(self._input, self._candidate, out=self._candidate)
        np.add(self._memory, self._candidate, out=self._memory)
        np.tanh(self._memory, out=self._squashed)
        np.multiply(self._output, self._squashed, out=self._hidden)
