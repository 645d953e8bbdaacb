"""The fixed-window model, one symbol at a time; its equations are in charlm/models/mlp.py.

The embeddings and the first layer's matrix are folded into a table for each place of the window: what a symbol
there adds to the first layer is looked up, not computed.
"""

from typing import final

import numpy as np

from charlm.stepping.base import EXACT_STREAMS, Arrays, Floats, State, Symbols, float32_copy
from charlm.stepping.layer_outputs import output_writer, stored_norm
from charlm.stepping.matrices import multiply_rows

BEFORE = -1


@final
class FixedWindowStepModel:
    """A StepModel of weights in memory; its state is the last symbols, int64 `[window - 1, streams]`."""

    def __init__(self, weights: Arrays, *, window: int, num_layers: int, residual: bool) -> None:
        # The row past the last symbol's is for what lies before the text; as the number -1 it is found there.
        embedding = float32_copy(np.concatenate((weights["embedding.weight"], weights["before"][None])))
        first = weights["layers.0.weight"]
        # [window, vocabulary + 1, hidden]
        self.tables = np.stack([embedding @ place.T for place in np.split(float32_copy(first), window, axis=1)])
        # Of the layers above the first, whose matrix is in the tables.
        self.matrices = [float32_copy(weights[f"layers.{index}.weight"]) for index in range(1, num_layers)]
        self.biases = [float32_copy(weights[f"layers.{index}.bias"]) for index in range(num_layers)]
        self.norms = [stored_norm(weights, index) for index in range(num_layers)]
        self.output = float32_copy(weights["output.weight"])
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.exact_streams = EXACT_STREAMS
        self.window = window
        self.residual = residual

    def initial_state(self, batch_size: int) -> State:
        """Returns the mark for "before the text" at every place of the window."""
        return (np.full((self.window - 1, batch_size), BEFORE, dtype=np.int64),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`: its last symbols."""
        symbols = np.concatenate((state[0], tokens.astype(np.int64)[:, None]))
        return (symbols[len(symbols) - self.window + 1 :],)

    def stepper(self, state: State) -> "FixedWindowStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        return FixedWindowStepper(self, state)


@final
class FixedWindowStepper:
    """Streams that the model reads."""

    def __init__(self, model: FixedWindowStepModel, state: State) -> None:
        self._model = model
        num_streams = state[0].shape[1]
        self._symbols = np.concatenate((state[0], np.full((1, num_streams), BEFORE, dtype=np.int64)))
        self._places = np.arange(model.window)[:, None]
        self._started = False
        shape = (num_streams, model.tables.shape[2])
        self._hidden = np.empty(shape, dtype=np.float32)
        self._outputs = [np.empty(shape, dtype=np.float32) for _ in model.biases]
        inputs = [None, *self._outputs[:-1]]
        self._output_writers = [
            output_writer(self._hidden, outputs, added=added if model.residual else None, norm=norm)
            for norm, outputs, added in zip(model.norms, self._outputs, inputs, strict=True)
        ]

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next, `[streams, vocabulary]`."""
        model = self._model
        if self._started:
            self._symbols[:-1] = self._symbols[1:]
        self._started = True
        self._symbols[-1] = tokens
        np.add.reduce(model.tables[self._places, self._symbols], axis=0, out=self._hidden)
        for index, (bias, write_output) in enumerate(zip(model.biases, self._output_writers, strict=True)):
            if index > 0:
                self._hidden[:] = multiply_rows(self._outputs[index - 1], model.matrices[index - 1].T)
            np.add(self._hidden, bias, out=self._hidden)
            np.tanh(self._hidden, out=self._hidden)
            write_output()
        logits = multiply_rows(self._outputs[-1], model.output.T)
        return np.add(logits, model.output_bias, out=logits)

    def state(self) -> State:
        """Returns a copy of the last symbols."""
        return (self._symbols[1:].copy() if self._started else self._symbols[:-1].copy(),)
