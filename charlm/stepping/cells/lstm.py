"""One step of the LSTMs; their equations are in charlm/models/cells/lstm.py and lstm_peephole.py."""

from typing import final

import numpy as np

from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic


class _LongMemoryStep(CellStep):
    """Gates: input, forget, output, candidate."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer, num_states=2)
        self._memory = self.state[1]
        self._gates = layer.empty(4)
        self._input, self._forget, self._output, self._candidate = self._gates
        self._squashed = np.empty_like(self._memory)

    def _remember(self) -> None:
        np.multiply(self._memory, self._forget, out=self._memory)
        np.multiply(self._input, self._candidate, out=self._candidate)
        np.add(self._memory, self._candidate, out=self._memory)

    def _show(self) -> None:
        np.tanh(self._memory, out=self._squashed)
        np.multiply(self._output, self._squashed, out=self._hidden)


@final
class LstmStep(_LongMemoryStep):
    """One step of the LSTM."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        self._logistic = self._gates[:3]

    def step(self) -> None:
        """Computes the next output and memory."""
        sums = self._product()
        np.add(sums, self._addend(), out=sums)
        np.tanh(sums, out=self._gates)
        finish_logistic(self._logistic)
        self._remember()
        self._show()


@final
class PeepholeLstmStep(_LongMemoryStep):
    """One step of the LSTM of which two gates see the old memory, and the output gate the new one."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        # Halved as these gates are.
        peepholes = 0.5 * layer.parameters.further["weight_peephole_l0"]
        self._seen_before, self._seen_after = peepholes[:2, None], peepholes[2]
        self._first = self._gates[:2]

    def step(self) -> None:
        """Computes the next output and memory."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.add(self._first, self._seen_before * self._memory, out=self._first)
        np.tanh(self._first, out=self._first)
        np.tanh(self._candidate, out=self._candidate)
        finish_logistic(self._first)
        self._remember()
        np.add(self._output, self._memory * self._seen_after, out=self._output)
        np.tanh(self._output, out=self._output)
        finish_logistic(self._output)
        self._show()
