"""Networks whose step is one function, from symbols and a state to logits and the next state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from charlm.stepping.base import EXACT_STREAMS, Arrays, Floats, HeldUnit, State, StepModel, Symbols, float32_copy
from charlm.stepping.held import HeldModel
from charlm.stepping.matrices import multiply_rows
from charlm.stepping.norms import normalize, stored_norm

Touch = Callable[[int, Floats], None]
"""Is given the number of a layer, from 0, and its activations `[streams, hidden]`, which it may change."""


class FunctionStepModel(ABC):
    """A StepModel of which a step, and the state before any symbol, are all that is particular."""

    exact_streams = EXACT_STREAMS
    vocabulary_size: int

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


class SteppedNetwork(FunctionStepModel, ABC):
    """The parts that networks of layers share; the values of their units are in their states."""

    def __init__(self, weights: Arrays, *, num_layers: int, residual: bool) -> None:
        self.embedding = float32_copy(weights["embedding.weight"])
        self.norms = [stored_norm(weights, index) for index in range(num_layers)]
        self.output = float32_copy(weights["output.weight"]).T
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.residual = residual

    def observed(self, held: Sequence[HeldUnit]) -> StepModel:
        """Returns the network with the values of all units in its state, as `StepNetwork` says."""
        return HeldModel(self, held)


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

    @abstractmethod
    def advance(self, tokens: Symbols, state: State, touch: Touch | None = None) -> tuple[Floats, State]:
        """Returns the logits after one more symbol in every stream, and the new state; the old one is not changed."""

    def observed(self, held: Sequence[HeldUnit]) -> StepModel:
        """Returns the network with the values of all units in its state, as `StepNetwork` says."""
        return ObservedDenseNetwork(self, held)

    def hidden_to_logits(self, sums: Floats, touch: Touch | None) -> Floats:
        """Returns the logits `[streams, vocabulary]` that follow from the lowest layer's pre-activations."""
        outputs = normalize(self._activate(0, sums, touch), self.norms[0])
        for index, (matrix, norm) in enumerate(zip(self.matrices, self.norms[1:], strict=True), start=1):
            inputs = outputs
            outputs = self._activate(index, multiply_rows(inputs, matrix.T) + self.biases[index], touch)
            outputs = normalize(outputs + inputs if self.residual else outputs, norm)
        return multiply_rows(outputs, self.output) + self.output_bias

    def _activate(self, layer: int, sums: Floats, touch: Touch | None) -> Floats:
        activations = self.activation(sums)
        if touch is not None:
            touch(layer, activations)
        return activations


@final
class ObservedDenseNetwork(FunctionStepModel):
    """A dense network whose state ends with the activations of all layers, `[layers, streams, hidden]`.

    It does not carry them: no step depends on those of the step before. Held units have their values in every step.
    """

    def __init__(self, network: DenseNetwork, held: Sequence[HeldUnit]) -> None:
        self.vocabulary_size = network.vocabulary_size
        self._network = network
        self._held = held

    def initial_state(self, batch_size: int) -> State:
        """Returns the network's state before any symbol, and zeros."""
        biases = self._network.biases
        activations = np.zeros((len(biases), batch_size, len(biases[0])), dtype=np.float32)
        return (*self._network.initial_state(batch_size), activations)

    def advance(self, tokens: Symbols, state: State) -> tuple[Floats, State]:
        """Returns the logits, the network's new state, and the activations that led to them."""
        found = np.empty_like(state[-1])

        def touch(layer: int, activations: Floats) -> None:
            for unit in self._held:
                if unit.layer == layer:
                    activations[:, unit.unit] = unit.value
            found[layer] = activations

        logits, after = self._network.advance(tokens, state[:-1], touch)
        return logits, (*after, found)


@final
class NetworkStepper:
    """Streams that such a network reads."""

    def __init__(self, network: FunctionStepModel, state: State) -> None:
        self._network = network
        self._state = state

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next."""
        logits, self._state = self._network.advance(tokens, self._state)
        return logits

    def state(self) -> State:
        """Returns a copy of the memory of all streams."""
        return tuple(part.copy() for part in self._state)
