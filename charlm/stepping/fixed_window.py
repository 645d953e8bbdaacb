"""The fixed-window model, one symbol at a time; its equations are in charlm/models/mlp.py.

The embeddings and the first layer's matrix are folded into a table for each place of the window: what a symbol
there adds to the first layer is looked up, not computed.
"""

from typing import final

import numpy as np

from charlm.stepping.base import Arrays, Floats, State, Symbols, float32_copy
from charlm.stepping.matrices import multiply_unshared
from charlm.stepping.networks import DenseNetwork, Touch

BEFORE = -1


@final
class FixedWindowStepModel(DenseNetwork):
    """A StepModel of weights in memory; its state is the last symbols, int64 `[window - 1, streams]`."""

    def __init__(self, weights: Arrays, *, window: int, num_layers: int, residual: bool) -> None:
        super().__init__(weights, num_layers=num_layers, residual=residual, activation=np.tanh)
        # The row past the last symbol's is for what lies before the text; as the number -1 it is found there.
        embedding = np.concatenate((self.embedding, float32_copy(weights["before"])[None]))
        # [window, vocabulary + 1, hidden]
        self.tables = np.stack(
            [multiply_unshared(embedding, place.T) for place in np.split(self.first, window, axis=1)]
        )
        self.places = np.arange(window)[:, None]

    def initial_state(self, batch_size: int) -> State:
        """Returns the mark for "before the text" at every place of the window."""
        return (np.full((len(self.places) - 1, batch_size), BEFORE, dtype=np.int64),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`: its last symbols."""
        symbols = np.concatenate((state[0], tokens.astype(np.int64)[:, None]))
        return (symbols[len(symbols) - len(state[0]) :],)

    def advance(self, tokens: Symbols, state: State, touch: Touch | None = None) -> tuple[Floats, State]:
        """Returns the logits, and the last symbols."""
        symbols = np.concatenate((state[0], tokens[None]), dtype=np.int64)
        sums = np.add.reduce(self.tables[self.places, symbols], axis=0)
        return self.hidden_to_logits(sums + self.biases[0], touch), (symbols[1:],)
