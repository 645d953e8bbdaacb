"""The n-gram model, one symbol at a time: a StepModel."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.counting import NONE, Ids, Symbols
from charlm.ngrams.model import Level, NgramModel

State = tuple[NDArray[Any], ...]


@final
class NgramStepModel:
    """Reads one symbol at a time; its state is the contexts, int64 `[order, streams]`."""

    def __init__(self, model: NgramModel) -> None:
        self.vocabulary_size = model.vocabulary_size
        self._model = model
        self._children = [_Children(level, model.vocabulary_size) for level in model.levels]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state of so many streams before any symbol."""
        return (self._model.first_contexts(batch_size),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`; only its end matters."""
        last = tokens[-self._model.order :]
        return (self._model.contexts_after(last[:, None], state[0])[:, -1],) if len(last) else state

    def stepper(self, state: State) -> "NgramStepper | SingleStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        if state[0].shape[1] == 1:
            return SingleStepper(self._model, self._children, state[0])
        return NgramStepper(self._model, state[0])


@final
class NgramStepper:
    """Several streams."""

    def __init__(self, model: NgramModel, contexts: Ids) -> None:
        self._model = model
        self._contexts = contexts

    def step(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol in every stream and returns the logarithms of the next one's probabilities."""
        self._contexts = self._model.contexts_after(tokens[None], self._contexts)[:, 0]
        return np.log(self._model.distributions(self._contexts)).astype(np.float32)

    def state(self) -> State:
        """Returns a copy of the contexts."""
        return (self._contexts.copy(),)


@final
class SingleStepper:
    """One stream: the same numbers, found without the cost of arrays of length one."""

    def __init__(self, model: NgramModel, children: Sequence["_Children"], contexts: Ids) -> None:
        self._children = children
        self._contexts: list[int] = contexts[:, 0].tolist()
        self._of_empty_context = model.of_empty_context
        self._probabilities = np.empty_like(self._of_empty_context)
        self._logarithms = np.empty(self._probabilities.shape, dtype=np.float32)

    def step(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol and returns the logarithms of the next one's probabilities, `[1, vocabulary]`."""
        symbol = int(tokens[0])
        contexts = [0]
        for children, context in zip(self._children[:-1], self._contexts, strict=False):
            contexts.append(NONE if context == NONE else children.find(context, symbol))
        self._contexts = contexts
        np.copyto(self._probabilities, self._of_empty_context)
        (row,) = self._probabilities
        for children, context in zip(self._children[1:], contexts[1:], strict=True):
            if context == NONE:
                break
            children.interpolate(context, row)
        return np.log(self._probabilities, out=self._logarithms, casting="same_kind")

    def state(self) -> State:
        """Returns a copy of the contexts."""
        return (np.array(self._contexts, dtype=np.int64)[:, None],)


@final
class _Children:
    """What may follow each context of one length."""

    def __init__(self, level: Level, vocabulary_size: int) -> None:
        num_contexts = len(level.backoff)
        self._firsts = np.searchsorted(level.keys, np.arange(num_contexts + 1) * vocabulary_size)
        self._symbols = level.keys % vocabulary_size
        self._seen = level.seen.astype(np.float64)
        self._backoff = level.backoff

    def find(self, context: int, symbol: int) -> int:
        """Returns the number of the gram that goes on from a context with a symbol."""
        first, stop = self._firsts[context], self._firsts[context + 1]
        place = first + self._symbols[first:stop].searchsorted(symbol)
        return int(place) if place < stop and self._symbols[place] == symbol else NONE

    def interpolate(self, context: int, row: NDArray[np.float64]) -> None:
        """Turns the distribution in the context one shorter into the one in this context, in place."""
        first, stop = self._firsts[context], self._firsts[context + 1]
        np.multiply(row, self._backoff[context], out=row)
        row[self._symbols[first:stop]] += self._seen[first:stop]
