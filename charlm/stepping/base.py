"""The interface of models that read and predict one symbol at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Symbols = NDArray[np.integer[Any]]

Arrays = Mapping[str, NDArray[Any]]
"""A stored network's weights, named and shaped as its modules name and shape them."""

State = tuple[NDArray[Any], ...]
"""A model's memory of the symbols read so far; the second axis of every array is the stream."""


EXACT_STREAMS = 8
"""The usual `StepModel.exact_streams`; more are not faster, as their numbers do not fit the processor's cache."""


class Stepper(Protocol):
    """Streams of symbols that advance together, one symbol each at a time."""

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next.

        Args:
            tokens: symbols `[batch]`.

        Returns:
            logits `[batch, vocabulary]`; the next step overwrites them.
        """

    def state(self) -> State:
        """Returns a copy of the memory of all streams, for `StepModel.stepper`."""


class StepModel(Protocol):
    """A language model that can be read one symbol at a time.

    Attributes:
        exact_streams: streams up to which a stepper gives each the logits, to the last bit, that it gives it alone.
    """

    vocabulary_size: int
    exact_streams: int

    def initial_state(self, batch_size: int) -> State:
        """Returns the state of so many streams before any symbol."""

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, read faster than by steps.

        Args:
            tokens: symbols `[time]`, any number of them.
            state: the memory of one stream before the first of them.
        """

    def stepper(self, state: State) -> Stepper:
        """Returns a stepper that goes on from `state`, with as many streams as that has."""


class HeldUnit(NamedTuple):
    """One unit: the array of the state that it is in, its layer and its number, both from 0, and its value."""

    part: int
    layer: int
    unit: int
    value: float


class StepNetwork(StepModel, Protocol):
    """A StepModel of layers of units."""

    def observed(self, held: Sequence[HeldUnit]) -> StepModel:
        """Returns the network with the values of all units in its state, `[layers, streams, hidden]`.

        Args:
            held: units that have a value of their own at every step; charlm/stepping/shapes.py knows their `part`.
        """


def float32_copy(array: NDArray[Any]) -> Floats:
    """Returns a copy, row by row: a model that goes on training must not change one that is stepped."""
    return np.array(array, dtype=np.float32, order="C")


def logistic(sums: Floats) -> Floats:
    """Returns the logistic function by way of tanh, which does not overflow."""
    result: Floats = np.float32(0.5) * np.tanh(np.float32(0.5) * sums) + np.float32(0.5)
    return result


def select_streams(state: State, streams: Symbols) -> State:
    """Returns the state of the streams with these numbers, in this order; one may be taken several times."""
    return tuple(part[:, streams] for part in state)
