"""Networks whose step is one function, from symbols and a state to logits and the next state."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import numpy as np

from charlm.stepping.base import EXACT_STREAMS, Arrays, Floats, State, Symbols, float32_copy
from charlm.stepping.matrices import multiply_rows
from charlm.stepping.norms import normalize, stored_norm


class SteppedNetwork(ABC):
    """A StepModel of which a step, and the state before any symbol, are all that is particular."""

    exact_streams = EXACT_STREAMS

    def __init__(self, weights: Arrays, *, num_layers: int, residual: bool) -> None:
        self.embedding = float32_copy(weights["embedding.weight"])
        self.norms = [stored_norm(weights, index) for index in range(num_layers)]
        self.output = float32_copy(weights["output.weight"]).T
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.residual = residual

    @abstractmethod
    def advance(self, tokens: Symbols, state: State) -> tuple[Floats, State]:
        """Returns the logits after one more symbol in every stream, and the new state; the old one is not changed."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """Returns the state of so many streams before any symbol."""

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text."""
        for token in tokens:
            _, state = self.advance(np.array([token]), state)
        return state

    def stepper(self, state: State) -> "NetworkStepper":
        """Returns a stepper that goes on from `state`."""
        return NetworkStepper(self, state)


class DenseNetwork(SteppedNetwork):
    """A stack of linear layers with activations, as charlm/models/stack.py has it.

    Attributes:
        first: the matrix of the lowest layer, `[hidden, inputs]`.
        biases: of all layers, `[hidden]` each.
    """

    def __init__(
        self, weights: Arrays, *, num_layers: int, residual: bool, activation: Callable[[Floats], Floats]
    ) -> None:
        super().__init__(weights, num_layers=num_layers, residual=residual)
        self.first, *self.matrices = (float32_copy(weights[f"layers.{index}.weight"]) for index in range(num_layers))
        self.biases = [float32_copy(weights[f"layers.{index}.bias"]) for index in range(num_layers)]
        self.activation = activation

    def hidden_to_logits(self, sums: Floats) -> Floats:
        """Returns the logits `[streams, vocabulary]` that follow from the lowest layer's pre-activations."""
        outputs = normalize(self.activation(sums), self.norms[0])
        for matrix, bias, norm in zip(self.matrices, self.biases[1:], self.norms[1:], strict=True):
            inputs = outputs
            outputs = self.activation(multiply_rows(inputs, matrix.T) + bias)
            outputs = normalize(outputs + inputs if self.residual else outputs, norm)
        return multiply_rows(outputs, self.output) + self.output_bias


@final
class NetworkStepper:
    """Streams that such a network reads."""

    def __init__(self, network: SteppedNetwork, state: State) -> None:
        self._network = network
        self._state = state

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next."""
        logits, self._state = self._network.advance(tokens, self._state)
        return logits

    def state(self) -> State:
        """Returns a copy of the memory of all streams."""
        return tuple(part.copy() for part in self._state)
