"""The recurrent cells, one step of all streams, on buffers that are allocated once.

Gates come as the pre-activations `[gates, batch, hidden]`. Those that end in a logistic function stand
first and arrive halved, since sigma(x) = (1 + tanh(x / 2)) / 2: one call of tanh then serves all gates.
The equations are torch's: Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000),
Cho et al. (2014) with the reset gate after the product, and Elman (1990).
"""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Product

Addend = Callable[[], Floats]
"""Returns what does not come through the product, `[gates, batch, hidden]`: biases, or the inputs' share."""


class Cell(Protocol):
    """A layer's recurrence.

    Attributes:
        state: what it remembers, `[batch, hidden]` each, the output first; changed in place.
    """

    state: tuple[Floats, ...]

    def step(self) -> None:
        """Computes the next state from this one and what the product and the addend give now."""
        ...


@final
class LstmCell:
    """Gates: input, forget, output, candidate."""

    def __init__(self, product: Product, addend: Addend, hidden: Floats) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._memory = np.zeros_like(hidden)
        self._gates = np.empty((4, *hidden.shape), dtype=np.float32)
        self._logistic = self._gates[:3]
        self._input, self._forget, self._output, self._candidate = self._gates
        self._squashed = np.empty_like(self._memory)
        self.state: tuple[Floats, ...] = (hidden, self._memory)

    def step(self) -> None:
        """Computes the next output and memory."""
        sums = self._product()
        np.add(sums, self._addend(), out=sums)
        np.tanh(sums, out=self._gates)
        _finish_logistic(self._logistic)
        np.multiply(self._memory, self._forget, out=self._memory)
        np.multiply(self._input, self._candidate, out=self._candidate)
        np.add(self._memory, self._candidate, out=self._memory)
        np.tanh(self._memory, out=self._squashed)
        np.multiply(self._output, self._squashed, out=self._hidden)


@final
class GruCell:
    """Gates: reset, update, candidate; the product is with the last output alone.

    Args:
        candidate_bias: added to the candidate's product before the reset gate, `[hidden]`.
    """

    def __init__(self, product: Product, addend: Addend, hidden: Floats, *, candidate_bias: Floats) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._bias = candidate_bias
        self._logistic = np.empty((2, *hidden.shape), dtype=np.float32)
        self._reset, self._update = self._logistic
        self._candidate = np.empty(hidden.shape, dtype=np.float32)
        self._change = np.empty_like(self._candidate)
        self.state: tuple[Floats, ...] = (hidden,)

    def step(self) -> None:
        """Computes the next output."""
        products, inputs = self._product(), self._addend()
        logistic_sums = products[:2]
        np.add(logistic_sums, inputs[:2], out=logistic_sums)
        np.tanh(logistic_sums, out=self._logistic)
        _finish_logistic(self._logistic)
        np.add(products[2], self._bias, out=self._candidate)
        np.multiply(self._candidate, self._reset, out=self._candidate)
        np.add(self._candidate, inputs[2], out=self._candidate)
        np.tanh(self._candidate, out=self._candidate)
        # (1 - z) n + z h
        np.subtract(self._hidden, self._candidate, out=self._change)
        np.multiply(self._change, self._update, out=self._change)
        np.add(self._candidate, self._change, out=self._hidden)


@final
class RnnCell:
    """One block of pre-activations, and an activation that is not a gate's.

    Args:
        rectify: the activation is max(x, 0) instead of tanh.
    """

    def __init__(self, product: Product, addend: Addend, hidden: Floats, *, rectify: bool) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._blocks = hidden[None]
        self._rectify = rectify
        self.state: tuple[Floats, ...] = (hidden,)

    def step(self) -> None:
        """Computes the next output."""
        np.add(self._product(), self._addend(), out=self._blocks)
        if self._rectify:
            np.maximum(self._hidden, 0.0, out=self._hidden)
        else:
            np.tanh(self._hidden, out=self._hidden)


def _finish_logistic(halved: Floats) -> None:
    # From tanh(x / 2) to the logistic function of x.
    np.multiply(halved, 0.5, out=halved)
    np.add(halved, 0.5, out=halved)
