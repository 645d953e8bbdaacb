"""Networks whose step is one function, from symbols and a state to logits and the next state."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from charlm.stepping.base import EXACT_STREAMS, Floats, State, Symbols


class SteppedNetwork(ABC):
    """A StepModel of which a step, and the state before any symbol, are all that is particular."""

    vocabulary_size: int
    exact_streams = EXACT_STREAMS

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
