"""The n-gram model, one symbol at a time: a StepModel."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.grams import NONE, Ids, Symbols
from charlm.ngrams.joint import JointNgrams, JointNgramStepper
from charlm.ngrams.model import USUAL_LOGARITHM, Level, NgramModel, features, num_features

_KEPT_LENGTH = 3
"""Of contexts as long as this there are few, and they come again and again: their distributions are kept."""
_MOST_KEPT_NUMBERS = 1 << 22

_EXACT_STREAMS = 8
"""Streams of one stepper; each is computed as if it were alone, so more of them are not faster, but jointly."""

_FEW = 8
"""Symbols up to which adding one by one is faster than calling NumPy."""

State = tuple[NDArray[Any], ...]


@final
class NgramStepModel:
    """Reads one symbol at a time; its state is the contexts, int64 `[order, streams]`.

    Args:
        jointly: whether many streams are looked up together, faster than each as if it were alone.
    """

    def __init__(self, model: NgramModel, *, jointly: bool = False) -> None:
        self.vocabulary_size = model.vocabulary_size
        self.exact_streams = _EXACT_STREAMS
        self._model = model
        self._children = [_Children(level, model.vocabulary_size) for level in model.levels]
        # Of all streams: what is known in a context is the same in each.
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._joint = JointNgrams(model) if jointly else None

    def initial_state(self, batch_size: int) -> State:
        """Returns the state of so many streams before any symbol."""
        return (self._model.first_contexts(batch_size),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`, of which only the last symbols matter."""
        last = tokens[-self._model.order :]
        return (self._model.contexts_after(last[:, None], state[0])[:, -1],) if len(last) else state

    def stepper(self, state: State) -> "AnyNgramStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        if self._joint is not None and state[0].shape[1] > _EXACT_STREAMS:
            return JointNgramStepper(self._joint, state[0])
        contexts = state[0].T[..., None]
        streams = [SingleStepper(self._model, self._children, each, kept=self._kept) for each in contexts]
        return streams[0] if len(streams) == 1 else NgramStepper(streams)


@final
class NgramStepper:
    """Several streams that an n-gram model reads, each as if it were alone."""

    def __init__(self, streams: Sequence["SingleStepper"]) -> None:
        self._streams = streams

    def confidence(self) -> NDArray[np.float32]:
        """Returns the evidence in the present contexts, as `features` gives it, float32 `[streams, 2 order]`."""
        return np.concatenate([stream.confidence() for stream in self._streams])

    def totals(self) -> NDArray[np.int64]:
        """Returns how often the present contexts of each length were followed, int64 `[streams, order]`."""
        return np.concatenate([stream.totals() for stream in self._streams])

    def step(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol in every stream and returns the logarithms of the next one's probabilities."""
        return np.log(self.probabilities_after(tokens))

    def probabilities_after(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol in every stream and returns the next one's probabilities, `[streams, vocabulary]`."""
        each = zip(self._streams, tokens[:, None], strict=True)
        return np.concatenate([stream.probabilities_after(token) for stream, token in each])

    def state(self) -> State:
        """Returns a copy of the contexts."""
        return (np.concatenate([stream.state()[0] for stream in self._streams], axis=1),)


@final
class SingleStepper:
    """One stream that an n-gram model reads, faster than by arrays of length one."""

    def __init__(
        self,
        model: NgramModel,
        children: Sequence["_Children"],
        contexts: Ids,
        *,
        kept: dict[int, NDArray[np.float32]],
    ) -> None:
        self._children = children
        self._contexts: list[int] = contexts[:, 0].tolist()
        self._of_empty_context = model.of_empty_context.astype(np.float32)
        self._probabilities = np.empty_like(self._of_empty_context)
        self._each_probability = _numbers(self._probabilities[0])
        self._confidence = np.zeros((1, num_features(len(children))), dtype=np.float32)
        self._each_confidence = _numbers(self._confidence[0])
        self._logarithms = np.empty(self._probabilities.shape, dtype=np.float32)
        self._kept = kept
        self._most_kept = _MOST_KEPT_NUMBERS // model.vocabulary_size

    def confidence(self) -> NDArray[np.float32]:
        """Returns the evidence in the present context, float32 `[1, 2 order]`; the next call overwrites it."""
        numbers, order = self._each_confidence, len(self._children)
        for length, (children, context) in enumerate(zip(self._children, self._contexts, strict=True)):
            is_known = context != NONE
            numbers[length] = children.totals[context] if is_known else 0.0
            numbers[order + length] = children.distinct[context] if is_known else 0.0
        return self._confidence

    def totals(self) -> NDArray[np.int64]:
        """Returns how often the present contexts of each length were followed, int64 `[1, order]`; 0 if not known."""
        features = [
            children.totals[context] if context != NONE else 0.0
            for children, context in zip(self._children, self._contexts, strict=True)
        ]
        return np.rint(np.expm1(np.array([features]) * USUAL_LOGARITHM)).astype(np.int64)

    def step(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol and returns the logarithms of the next one's probabilities, `[1, vocabulary]`."""
        return np.log(self.probabilities_after(tokens), out=self._logarithms)

    def probabilities_after(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol and returns the next one's probabilities; the next step overwrites them."""
        symbol = int(tokens[0])
        contexts = [0]
        for children, context in zip(self._children[:-1], self._contexts, strict=False):
            contexts.append(NONE if context == NONE else children.find(context, symbol))
        self._contexts = contexts
        short = min(_KEPT_LENGTH, len(contexts) - 1)
        kept = self._kept.get(contexts[short]) if contexts[short] != NONE else None
        if kept is None:
            self._interpolate(self._of_empty_context, contexts[: short + 1], above=0)
            kept = self._probabilities
            if contexts[short] != NONE and len(self._kept) < self._most_kept:
                kept = self._kept[contexts[short]] = kept.copy()
        self._interpolate(kept, contexts, above=short)
        return self._probabilities

    def _interpolate(self, shorter: NDArray[np.float32], contexts: list[int], *, above: int) -> None:
        """Computes the distribution in the longest context known, from the one in the context of length `above`.

        From the longest on, so that each order's share is known when its children are added, and the
        distribution of the shorter context is multiplied once.
        """
        share = 1.0
        shares = []
        for children, context in zip(self._children[len(contexts) - 1 : above : -1], contexts[:above:-1], strict=True):
            if context != NONE:
                shares.append((children, context, share))
                share *= children.backoff[context]
        np.multiply(shorter, share, out=self._probabilities)
        for children, context, weight in shares:
            children.add_to(self._probabilities[0], self._each_probability, context, weight)

    def state(self) -> State:
        """Returns a copy of the contexts."""
        return (np.array(self._contexts, dtype=np.int64)[:, None],)


AnyNgramStepper = NgramStepper | SingleStepper | JointNgramStepper
"""A stepper of an n-gram model, which tells probabilities and evidence, too."""


def _numbers(array: NDArray[Any]) -> Any:
    """Returns a view of an array, 1-D, of which one number at a time is taken in half the time."""
    return memoryview(np.ascontiguousarray(array))  # type: ignore[arg-type]


@final
class _Children:
    """The symbols that follow each context of one length.

    Attributes:
        totals: how often it was followed, as a feature, `[contexts]`.
        distinct: by how many different symbols, as a feature.
        backoff: the share of the order below in each context.
    """

    def __init__(self, level: Level, vocabulary_size: int) -> None:
        num_contexts = len(level.backoff)
        self._symbols = level.keys % vocabulary_size
        self._seen = level.seen
        self._firsts = _numbers(np.searchsorted(level.keys, np.arange(num_contexts + 1) * vocabulary_size))
        self._each_symbol = _numbers(self._symbols)
        self._each_seen = _numbers(level.seen)
        self.backoff = _numbers(level.backoff)
        self.totals, self.distinct = map(_numbers, features(level.totals[None], level.distinct[None]).T)

    def find(self, context: int, symbol: int) -> int:
        """Returns the number of the gram that goes on from a context with a symbol."""
        stop = self._firsts[context + 1]
        place = bisect_left(self._each_symbol, symbol, self._firsts[context], stop)
        return place if place < stop and self._each_symbol[place] == symbol else NONE

    def add_to(self, row: NDArray[np.float32], each: Any, context: int, weight: float) -> None:
        """Adds the estimates of what follows a context, times a weight, to `row`; `each` is the same memory."""
        first, stop = self._firsts[context], self._firsts[context + 1]
        if stop - first > _FEW:
            row[self._symbols[first:stop]] += weight * self._seen[first:stop]
            return
        for place in range(first, stop):
            each[self._each_symbol[place]] += weight * self._each_seen[place]
