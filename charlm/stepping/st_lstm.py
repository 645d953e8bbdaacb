"""The spatiotemporal LSTM, one symbol at a time; its equations are in charlm/models/st_lstm.py."""

from dataclasses import dataclass
from typing import final

import numpy as np

from charlm.stepping.base import Arrays, Floats, State, Symbols, float32_copy, logistic
from charlm.stepping.matrices import multiply_rows, multiply_unshared
from charlm.stepping.networks import SteppedNetwork
from charlm.stepping.norms import normalize


@dataclass(frozen=True)
class _Layer:
    """Matrices as `[inputs, outputs]`; `inputs` is None for the lowest layer, which is a table."""

    inputs: Floats | None
    bias: Floats
    states: Floats
    shared: Floats
    memories: Floats


@final
class SpatiotemporalStepModel(SteppedNetwork):
    """A StepModel of weights in memory; its state is h, c and m as in the torch model."""

    def __init__(self, weights: Arrays, *, num_layers: int, residual: bool) -> None:
        def matrix(name: str) -> Floats:
            return float32_copy(weights[name].T)

        super().__init__(weights, num_layers=num_layers, residual=residual)
        self.layers = [
            _Layer(
                None if index == 0 else matrix(f"layers.{index}.inputs.weight"),
                float32_copy(weights[f"layers.{index}.inputs.bias"]),
                matrix(f"layers.{index}.states.weight"),
                matrix(f"layers.{index}.shared.weight"),
                matrix(f"layers.{index}.memories.weight"),
            )
            for index in range(num_layers)
        ]
        self.hidden_size = len(self.layers[0].states)
        self.table = multiply_unshared(self.embedding, matrix("layers.0.inputs.weight")) + self.layers[0].bias

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros."""
        shape = (len(self.layers), batch_size, self.hidden_size)
        zeros = [np.zeros(each, dtype=np.float32) for each in (shape, shape, (1, *shape[1:]))]
        return tuple(zeros)

    def advance(self, tokens: Symbols, state: State) -> tuple[Floats, State]:
        """Returns the logits, and the new h, c and m."""
        size = self.hidden_size
        last_h, last_c, (m,) = state
        h, c = np.empty_like(last_h), np.empty_like(last_c)
        values, entering = self.embedding[tokens], self.table[tokens]
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if layer.inputs is not None:
                entering = multiply_rows(values, layer.inputs) + layer.bias
            own = entering[:, : 4 * size] + multiply_rows(last_h[index], layer.states)
            common = entering[:, 4 * size :] + multiply_rows(m, layer.shared)
            input_gate, forget_gate = np.split(logistic(own[:, : 2 * size]), 2, axis=1)
            shared_input_gate, shared_forget_gate = np.split(logistic(common[:, : 2 * size]), 2, axis=1)
            c[index] = forget_gate * last_c[index] + input_gate * np.tanh(own[:, 2 * size : 3 * size])
            m = shared_forget_gate * m + shared_input_gate * np.tanh(common[:, 2 * size :])
            memories = np.concatenate((c[index], m), axis=1)
            seen, shown = np.split(multiply_rows(memories, layer.memories), 2, axis=1)
            h[index] = logistic(own[:, 3 * size :] + seen) * np.tanh(shown)
            adds = self.residual and values.shape == h[index].shape
            values = normalize(h[index] + values if adds else h[index].copy(), norm)
        logits: Floats = multiply_rows(values, self.output) + self.output_bias
        return logits, (h, c, m[None])
