"""The interface of a recurrent cell's step: it takes all streams of one layer one symbol further.

Gates come as the pre-activations `[gates, batch, hidden]`. Those that end in a logistic function stand first, the
others after them, both in the order in which the cell stores them. The logistic ones arrive halved, since
sigma(x) = (1 + tanh(x / 2)) / 2: one call of tanh then serves all gates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charlm.stepping.base import Floats
from charlm.stepping.matrices import Product
from charlm.stepping.parameters import LayerParameters

Addend = Callable[[], Floats]
"""Returns what is added to the product, `[gates, batch, hidden]`: biases, and the input projection where the product
is with the last output alone."""


@dataclass(frozen=True)
class BoundLayer:
    """A layer and the buffers that it works on.

    Attributes:
        product: with the last output and, unless the cell splits products, the inputs.
        addend: what is added to it.
        hidden: holds the last output, `[batch, hidden]`; a step writes the next one into it.
        parameters: the layer's.
    """

    product: Product
    addend: Addend
    hidden: Floats
    parameters: LayerParameters

    def empty(self, num_blocks: int) -> Floats:
        """Returns a new buffer `[blocks, batch, hidden]`."""
        return np.empty((num_blocks, *self.hidden.shape), dtype=np.float32)


class CellStep(ABC):
    """The recurrence of one layer.

    Attributes:
        state: what it carries, `[batch, hidden]` each, the output first; changed in place.
    """

    state: tuple[Floats, ...]

    def __init__(self, layer: BoundLayer, *, num_states: int = 1) -> None:
        self._product = layer.product
        self._addend = layer.addend
        self._hidden = layer.hidden
        self.state = (layer.hidden, *(np.zeros_like(layer.hidden) for _ in range(1, num_states)))

    @abstractmethod
    def step(self) -> None:
        """Computes the next state from this one and what the product and the addend give now."""


def finish_logistic(halved: Floats) -> None:
    """Turns tanh(x / 2) into the logistic function of x, in place."""
    np.multiply(halved, 0.5, out=halved)
    np.add(halved, 0.5, out=halved)


def interpolate(hidden: Floats, candidate: Floats, update: Floats) -> None:
    """Turns h into (1 - z) n + z h, computed as n + z (h - n), in place."""
    np.subtract(hidden, candidate, out=hidden)
    np.multiply(hidden, update, out=hidden)
    np.add(hidden, candidate, out=hidden)
