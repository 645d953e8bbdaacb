"""One step of the GRUs; their equations are in charlm/models/cells, in the files that begin with gru."""

from abc import abstractmethod
from typing import final

import numpy as np

from charlm.stepping.base import Floats
from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic, interpolate
from charlm.stepping.matrices import Float32Matrix


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


class _ResetStep(CellStep):
    """Gates: reset, update, candidate; the product is with the last output alone."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        gates = layer.empty(3)
        self._reset, self._update, self._candidate = gates
        self._logistic = gates[:2]

    def step(self) -> None:
        """Computes the next output."""
        products, inputs = self._product(), self._addend()
        np.add(products[:2], inputs[:2], out=self._logistic)
        np.tanh(self._logistic, out=self._logistic)
        finish_logistic(self._logistic)
        self._reset_candidate(products[2])
        np.add(self._candidate, inputs[2], out=self._candidate)
        np.tanh(self._candidate, out=self._candidate)
        interpolate(self._hidden, self._candidate, self._update)

    @abstractmethod
    def _reset_candidate(self, product: Floats) -> None:
        """Computes what the candidate gets from the last output, of which `product` is its block."""


@final
class GruStep(_ResetStep):
    """One step of torch's GRU, whose reset gate acts on the product."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        self._bias = layer.parameters.inner_bias[-1]

    def _reset_candidate(self, product: Floats) -> None:
        np.add(product, self._bias, out=self._candidate)
        np.multiply(self._candidate, self._reset, out=self._candidate)


@final
class ResetBeforeGruStep(_ResetStep):
    """One step of the GRU as first published, whose candidate has a product with the output that is let through."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer)
        (self._remembered,) = layer.empty(1)
        self._candidate_product = Float32Matrix(layer.parameters.recurrent[2:]).bind(self._remembered)

    def _reset_candidate(self, product: Floats) -> None:
        np.multiply(self._reset, self._hidden, out=self._remembered)
        np.copyto(self._candidate, self._candidate_product()[0])
