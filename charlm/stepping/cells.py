"""The recurrent cells, one step of all streams, on buffers that are allocated once.

Gates come as the pre-activations `[gates, batch, hidden]`. Those that end in a logistic function stand
first and arrive halved, since sigma(x) = (1 + tanh(x / 2)) / 2: one call of tanh then serves all gates.
The equations are those of charlm/models/kernels, and torch's own.
"""

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from charlm.config import Nonlinearity
from charlm.stepping.base import Floats
from charlm.stepping.matrices import Float32Matrix, Product

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
class PeepholeLstmCell:
    """Gates as in the LSTM; input and forget gate see the old memory, the output gate the new one.

    Args:
        peepholes: of the input, forget and output gate, halved as these gates are, `[3, hidden]`.
    """

    def __init__(self, product: Product, addend: Addend, hidden: Floats, *, peepholes: Floats) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._seen_before = peepholes[:2, None]
        self._seen_after = peepholes[2]
        self._memory = np.zeros_like(hidden)
        self._gates = np.empty((4, *hidden.shape), dtype=np.float32)
        self._first = self._gates[:2]
        self._input, self._forget, self._output, self._candidate = self._gates
        self._squashed = np.empty_like(self._memory)
        self.state: tuple[Floats, ...] = (hidden, self._memory)

    def step(self) -> None:
        """Computes the next output and memory."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.add(self._first, self._seen_before * self._memory, out=self._first)
        np.tanh(self._first, out=self._first)
        np.tanh(self._candidate, out=self._candidate)
        _finish_logistic(self._first)
        np.multiply(self._memory, self._forget, out=self._memory)
        np.multiply(self._input, self._candidate, out=self._candidate)
        np.add(self._memory, self._candidate, out=self._memory)
        np.multiply(self._memory, self._seen_after, out=self._squashed)
        np.add(self._output, self._squashed, out=self._output)
        np.tanh(self._output, out=self._output)
        _finish_logistic(self._output)
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
        _interpolate(self._hidden, self._candidate, self._update)


@final
class ResetBeforeGruCell:
    """Gates: reset, update, candidate; the candidate's product is with the output that the reset gate lets through.

    Args:
        recurrent: the matrices, `[3, hidden, hidden]`; of the product, only the first two blocks are of use.
    """

    def __init__(self, product: Product, addend: Addend, hidden: Floats, *, recurrent: Floats) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._remembered = np.empty(hidden.shape, dtype=np.float32)
        self._candidate_product = Float32Matrix(recurrent[2:]).bind(self._remembered)
        self._logistic = np.empty((2, *hidden.shape), dtype=np.float32)
        self._reset, self._update = self._logistic
        self._candidate = np.empty(hidden.shape, dtype=np.float32)
        self.state: tuple[Floats, ...] = (hidden,)

    def step(self) -> None:
        """Computes the next output."""
        inputs = self._addend()
        np.add(self._product()[:2], inputs[:2], out=self._logistic)
        np.tanh(self._logistic, out=self._logistic)
        _finish_logistic(self._logistic)
        np.multiply(self._reset, self._hidden, out=self._remembered)
        np.add(self._candidate_product()[0], inputs[2], out=self._candidate)
        np.tanh(self._candidate, out=self._candidate)
        _interpolate(self._hidden, self._candidate, self._update)


@final
class SimpleGruCell:
    """Gates: update, candidate."""

    def __init__(self, product: Product, addend: Addend, hidden: Floats) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._gates = np.empty((2, *hidden.shape), dtype=np.float32)
        self._update, self._candidate = self._gates
        self.state: tuple[Floats, ...] = (hidden,)

    def step(self) -> None:
        """Computes the next output."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.tanh(self._gates, out=self._gates)
        _finish_logistic(self._update)
        _interpolate(self._hidden, self._candidate, self._update)


@final
class RnnCell:
    """One block of pre-activations, and an activation that is not a gate's."""

    def __init__(self, product: Product, addend: Addend, hidden: Floats, *, activation: Nonlinearity) -> None:
        self._product = product
        self._addend = addend
        self._hidden = hidden
        self._blocks = hidden[None]
        self._activation = activation
        self.state: tuple[Floats, ...] = (hidden,)

    def step(self) -> None:
        """Computes the next output."""
        np.add(self._product(), self._addend(), out=self._blocks)
        match self._activation:
            case "relu":
                np.maximum(self._hidden, 0.0, out=self._hidden)
            case "tanh":
                np.tanh(self._hidden, out=self._hidden)
            case "sigmoid":
                np.multiply(self._hidden, 0.5, out=self._hidden)
                np.tanh(self._hidden, out=self._hidden)
                _finish_logistic(self._hidden)


def _interpolate(hidden: Floats, candidate: Floats, update: Floats) -> None:
    # h becomes (1 - z) n + z h = n + z (h - n).
    np.subtract(hidden, candidate, out=hidden)
    np.multiply(hidden, update, out=hidden)
    np.add(hidden, candidate, out=hidden)


def _finish_logistic(halved: Floats) -> None:
    # From tanh(x / 2) to the logistic function of x.
    np.multiply(halved, 0.5, out=halved)
    np.add(halved, 0.5, out=halved)
