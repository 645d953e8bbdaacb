"""One step of the LSTM whose gates see the memory; its equations are in charlm/models/cells/lstm_peephole.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic


@final
class PeepholeLstmStep(CellStep):
    """Gates: input, forget, output, candidate; the first two see the old memory, the output gate the new one."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer, num_states=2)
        # Halved as these gates are.
        peepholes = 0.5 * layer.parameters.further["weight_peephole_l0"]
        self._seen_before = peepholes[:2, None]
        self._seen_after = peepholes[2]
        self._memory = self.state[1]
        self._gates = layer.empty(4)
        self._first = self._gates[:2]
        self._input, self._forget, self._output, self._candidate = self._gates
        self._squashed = np.empty_like(self._memory)

    def step(self) -> None:
        """Computes the next output and memory."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.add(self._first, self._seen_before * self._memory, out=self._first)
        np.tanh(self._first, out=self._first)
        np.tanh(self._candidate, out=self._candidate)
        finish_logistic(self._first)
        np.multiply(self._memory, self._forget, out=self._memory)
        np.multiply(self._input, self._candidate, out=self._candidate)
        np.add(self._memory, self._candidate, out=self._memory)
        np.multiply(self._memory, self._seen_after, out=self._squashed)
        np.add(self._output, self._squashed, out=self._output)
        np.tanh(self._output, out=self._output)
        finish_logistic(self._output)
        np.tanh(self._memory, out=self._squashed)
        np.multiply(self._output, self._squashed, out=self._hidden)
