"""The spatiotemporal LSTM, one symbol at a time; its equations are in charlm/models/st_lstm.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.stepping.base import Floats, State, Symbols, float32_copy, logistic, read_by_steps
from charlm.stepping.layer_outputs import Norm, normalized, stored_norm


@dataclass(frozen=True)
class _Layer:
    """Matrices as `[inputs, outputs]`; `inputs` is None for the lowest layer, which is a table."""

    inputs: Floats | None
    bias: Floats
    states: Floats
    shared: Floats
    memories: Floats
    norm: Norm | None


@final
class SpatiotemporalStepModel:
    """A StepModel of weights in memory; its state is h, c and m as in the torch model.

    Args:
        weights: named and shaped as the model's modules name and shape them.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], *, num_layers: int, residual: bool) -> None:
        def matrix(name: str) -> Floats:
            return float32_copy(weights[name].T)

        self.embedding = float32_copy(weights["embedding.weight"])
        self.layers = [
            _Layer(
                None if index == 0 else matrix(f"layers.{index}.inputs.weight"),
                float32_copy(weights[f"layers.{index}.inputs.bias"]),
                matrix(f"layers.{index}.states.weight"),
                matrix(f"layers.{index}.shared.weight"),
                matrix(f"layers.{index}.memories.weight"),
                stored_norm(weights, index),
            )
            for index in range(num_layers)
        ]
        self.hidden_size = len(self.layers[0].states)
        self.table = self.embedding @ matrix("layers.0.inputs.weight") + self.layers[0].bias
        self.output = matrix("output.weight")
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.residual = residual

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros."""
        shape = (len(self.layers), batch_size, self.hidden_size)
        zeros = [np.zeros(each, dtype=np.float32) for each in (shape, shape, (1, *shape[1:]))]
        return tuple(zeros)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`."""
        return read_by_steps(self.stepper(state), tokens)

    def stepper(self, state: State) -> "SpatiotemporalStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        return SpatiotemporalStepper(self, state)


@final
class SpatiotemporalStepper:
    """Streams that the model reads."""

    def __init__(self, model: SpatiotemporalStepModel, state: State) -> None:
        self._model = model
        self._h = list(state[0].copy())
        self._c = list(state[1].copy())
        self._m = state[2][0].copy()

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next, `[streams, vocabulary]`."""
        model, size = self._model, self._model.hidden_size
        values, entering = model.embedding[tokens], model.table[tokens]
        for index, layer in enumerate(model.layers):
            if layer.inputs is not None:
                entering = values @ layer.inputs + layer.bias
            own = entering[:, : 4 * size] + self._h[index] @ layer.states
            common = entering[:, 4 * size :] + self._m @ layer.shared
            input_gate, forget_gate = np.split(logistic(own[:, : 2 * size]), 2, axis=1)
            shared_input_gate, shared_forget_gate = np.split(logistic(common[:, : 2 * size]), 2, axis=1)
            self._c[index] = forget_gate * self._c[index] + input_gate * np.tanh(own[:, 2 * size : 3 * size])
            self._m = shared_forget_gate * self._m + shared_input_gate * np.tanh(common[:, 2 * size :])
            seen, shown = np.split(np.concatenate((self._c[index], self._m), axis=1) @ layer.memories, 2, axis=1)
            self._h[index] = logistic(own[:, 3 * size :] + seen) * np.tanh(shown)
            adds = model.residual and values.shape == self._h[index].shape
            values = normalized(self._h[index] + values if adds else self._h[index], layer.norm)
        logits: Floats = values @ model.output + model.output_bias
        return logits

    def state(self) -> State:
        """Returns a copy of h, c and m."""
        return np.stack(self._h), np.stack(self._c), self._m[None].copy()
