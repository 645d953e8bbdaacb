"""A model some of whose units are held at a value, to see what they do; the units are in its state."""

from collections.abc import Sequence
from typing import final

from charlm.stepping.base import Floats, HeldUnit, State, StepModel, Stepper, Symbols


@final
class HeldModel:
    """A StepModel whose units have their values before every step; a text that is `read` is read without."""

    def __init__(self, model: StepModel, held: Sequence[HeldUnit]) -> None:
        self.vocabulary_size = model.vocabulary_size
        self.exact_streams = model.exact_streams
        self._model = model
        self._held = held

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before any symbol."""
        return self._model.initial_state(batch_size)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state after a text, with no unit held."""
        return self._model.read(tokens, state)

    def stepper(self, state: State) -> "HeldStepper":
        """Returns a stepper that goes on from `state`."""
        return HeldStepper(self._model, self._model.stepper(state), self._held)


@final
class HeldStepper:
    """Streams that are read with units held."""

    def __init__(self, model: StepModel, stepper: Stepper, held: Sequence[HeldUnit]) -> None:
        self._model = model
        self._stepper = stepper
        self._held = held

    def step(self, tokens: Symbols) -> Floats:
        """Sets the units, reads one symbol in every stream and returns the logits of the next."""
        state = self._stepper.state()
        for part, layer, unit, value in self._held:
            state[part][layer, :, unit] = value
        # A stepper's state cannot be changed, but a new one begins with any.
        self._stepper = self._model.stepper(state)
        return self._stepper.step(tokens)

    def state(self) -> State:
        """Returns a copy of the memory of all streams."""
        return self._stepper.state()
