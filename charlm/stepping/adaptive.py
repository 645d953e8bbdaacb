"""A step model that learns from every symbol that it reads: its parts do not change, their adaptation does."""

import copy
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.stepping import AnyNgramStepper, NgramStepModel
from charlm.stepping.adaptation import Adaptation, AdaptationSettings, Evidence
from charlm.stepping.base import Floats, State, StepModel, Stepper, Symbols


@final
class AdaptiveStepModel:
    """A StepModel of a network, an n-gram model or both, and one `Adaptation` for each stream.

    The last part of its state is an array of objects, `[1, streams]`. A symbol with which records begin makes the parts
    begin anew; what was learnt from earlier records stays.

    Args:
        begin: the symbol that records begin with; None in running text.
        end: the symbol that records end with, where it is not read itself: it is learnt when the next one begins.
        line_end: the symbol that ends a line; None where none does.
        learns: whether a stepper learns from what it reads; otherwise only `read` does, and steppers follow.
    """

    def __init__(
        self,
        network: StepModel | None,
        ngrams: NgramStepModel | None,
        *,
        begin: int | None,
        end: int | None = None,
        line_end: int | None = None,
        settings: AdaptationSettings | None = None,
        learns: bool = True,
    ) -> None:
        parts = [part for part in (network, ngrams) if part is not None]
        self.vocabulary_size = parts[0].vocabulary_size
        self.exact_streams = min(part.exact_streams for part in parts)
        self.network, self.ngrams, self.learns = network, ngrams, learns
        self.begin, self.end = begin, end
        self._line_end = line_end
        self._settings = settings or AdaptationSettings()
        self._num_parts = len(parts)

    def initial_state(self, batch_size: int) -> State:
        """Returns the parts' states, and adaptations that have read nothing."""
        fresh = [
            Adaptation(self._num_parts, self.vocabulary_size, self._settings, line_end=self._line_end)
            for _ in range(batch_size)
        ]
        return (*self.first_state_of_parts(batch_size), _objects(fresh))

    def first_state_of_parts(self, batch_size: int) -> State:
        """Returns the parts' states before any symbol."""
        return tuple(
            array
            for part in (self.network, self.ngrams)
            if part is not None
            for array in part.initial_state(batch_size)
        )

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, which it has learnt from symbol by symbol."""
        stepper = AdaptiveStepper(self, state, learns=True)
        for token in tokens:
            stepper.step(np.array([token], dtype=np.int64))
        return stepper.state()

    def stepper(self, state: State) -> "AdaptiveStepper":
        """Returns a stepper that goes on from `state`, on copies of its own."""
        return AdaptiveStepper(self, state, learns=self.learns)


@final
class AdaptiveStepper:
    """Streams that learn from what they read, each on its own, or follow it with what they have learnt."""

    def __init__(self, model: AdaptiveStepModel, state: State, *, learns: bool) -> None:
        self._model = model
        self._learns = learns
        self._copy = copy.deepcopy if learns else Adaptation.frozen
        self._adaptations = [self._copy(each) for each in state[-1][0]]
        self._set_parts(state[:-1])

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logarithms of the next one's probabilities."""
        begins = np.flatnonzero(tokens == self._model.begin)
        if len(begins):
            self._restart(begins)
        for adaptation, token in zip(self._adaptations, tokens.tolist(), strict=True):
            if not adaptation.has_predicted or token == self._model.begin:
                if adaptation.has_predicted and self._learns and self._model.end is not None:
                    adaptation.learn(self._model.end)
                adaptation.begin(token)
            elif self._learns:
                adaptation.learn(token)
            else:
                adaptation.follow(token)
        parts: list[NDArray[Any]] = []
        if self._network is not None:
            logits = self._network.step(tokens)
            below = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
            parts.append(below - np.log(np.add.reduce(np.exp(below), axis=1, keepdims=True)))
        evidence = [0] * len(tokens)
        if self._ngrams is not None:
            parts.append(np.log(self._ngrams.probabilities_after(tokens)))
            evidence = Evidence.of(self._ngrams.totals()).tolist()
        predicted = np.empty((len(tokens), self._model.vocabulary_size), dtype=np.float32)
        for stream, adaptation in enumerate(self._adaptations):
            np.log(adaptation.predict([part[stream] for part in parts], evidence[stream]), out=predicted[stream])
        return predicted

    def state(self) -> State:
        """Returns a copy of the memory of all streams, with all that they have learnt."""
        return (*self._state_of_parts(), _objects([self._copy(each) for each in self._adaptations]))

    def _restart(self, streams: Symbols) -> None:
        """Lets the parts of some streams begin anew."""
        first = self._model.first_state_of_parts(len(self._adaptations))
        others = np.setdiff1d(np.arange(len(self._adaptations)), streams)
        if len(others):
            for part, before in zip(first, self._state_of_parts(), strict=True):
                part[:, others] = before[:, others]
        self._set_parts(first)

    def _set_parts(self, state: State) -> None:
        network, ngrams = self._model.network, self._model.ngrams
        num_ngrams = 0 if ngrams is None else 1
        own = state[: len(state) - num_ngrams]
        self._network: Stepper | None = None if network is None else network.stepper(own)
        counted = state[len(state) - num_ngrams :]
        self._ngrams: AnyNgramStepper | None = None if ngrams is None else ngrams.stepper(counted)

    def _state_of_parts(self) -> State:
        return tuple(array for part in (self._network, self._ngrams) if part is not None for array in part.state())


def _objects(adaptations: Sequence[Adaptation]) -> NDArray[Any]:
    row = np.empty((1, len(adaptations)), dtype=object)
    row[0] = adaptations
    return row
