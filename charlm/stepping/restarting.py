"""A model that reads records one after the other, each from the first state."""

from typing import final

import numpy as np

from charlm.stepping.base import Floats, State, StepModel, Stepper, Symbols


def restarting(model: StepModel, begin: int | None) -> StepModel:
    """Returns a model whose streams have the first state again before each `begin`; None for the model as it is."""
    return model if begin is None else RestartingModel(model, begin)


@final
class RestartingModel:
    """A StepModel whose streams each start afresh where a record begins."""

    def __init__(self, model: StepModel, begin: int) -> None:
        self.vocabulary_size = model.vocabulary_size
        self.exact_streams = model.exact_streams
        self._model = model
        self._begin = begin

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before any symbol."""
        return self._model.initial_state(batch_size)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state after a text, which depends on its last record alone."""
        begins = np.flatnonzero(tokens == self._begin)
        if not len(begins):
            return self._model.read(tokens, state)
        return self._model.read(tokens[begins[-1] :], self.initial_state(1))

    def stepper(self, state: State) -> "RestartingStepper":
        """Returns a stepper that goes on from `state`."""
        return RestartingStepper(self._model, self._model.stepper(state), self._begin)


@final
class RestartingStepper:
    """Streams of records."""

    def __init__(self, model: StepModel, stepper: Stepper, begin: int) -> None:
        self._model = model
        self._stepper = stepper
        self._begin = begin

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream, those that begin a record from the first state; returns the next logits."""
        begins = tokens == self._begin
        if begins.any():
            state = self._stepper.state()
            for part, first in zip(state, self._model.initial_state(len(tokens)), strict=True):
                part[:, begins] = first[:, begins]
            # A stepper's state cannot be changed, but a new one begins with any.
            self._stepper = self._model.stepper(state)
        return self._stepper.step(tokens)

    def state(self) -> State:
        """Returns a copy of the memory of all streams."""
        return self._stepper.state()
