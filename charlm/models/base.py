"""The interface of all language models: `(tokens, state) -> (logits, state)`, and a first state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from charlm.data.lanes import IGNORED
from charlm.models.lane_groups import Workers

State = tuple[Tensor, ...]
"""A model's memory of the symbols read so far; the second axis of every tensor is the batch."""


Observer = Callable[[Tensor, Callable[[], Tensor], Tensor | None], None]
"""Is given what a model predicts of some targets: their code lengths, float32 `[time, batch]`; a function that returns
the logits of each next symbol, `[time, batch, vocabulary]`, which some models compute for nobody else; and the share of
the network, `[time, batch]`, where one is mixed with n-grams."""


@dataclass(frozen=True)
class Scoring:
    """What is wanted beside code lengths.

    Attributes:
        observe: is given how they came about.
        workers: may compute parts of one sequence side by side.
    """

    observe: Observer | None = None
    workers: Workers | None = None


PLAIN = Scoring()

CodeLengths = tuple[Mapping[str, Tensor], State]
"""The nats of each target, float32 `[time, batch]`, by model; and the state after the last symbol."""

OWN = "own"
"""The name under which a model gives its own code lengths."""


class Parts(NamedTuple):
    """What the models that a model consists of predict at some places.

    Attributes:
        log_probabilities: of all symbols, float32 `[time, batch, vocabulary]` for each part.
        totals: how often the contexts of each length of an n-gram model among them were followed,
            `[time, batch, order]`, 0 for those it does not know; None without one.
    """

    log_probabilities: tuple[Tensor, ...]
    totals: NDArray[np.int64] | None


class LanguageModel(Protocol):
    """Predicts the next symbol at every position of a batch of symbol sequences."""

    vocabulary_size: int

    def __call__(
        self, tokens: Tensor, state: State | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Returns the logits of each next symbol, and the state after the last one.

        Args:
            tokens: symbols, int64 `[time, batch]`.
            state: the memory before the first of them.  [default: none]
            generator: source of the dropout masks; needed in training mode only.

        Returns:
            logits `[time, batch, vocabulary]` and the new state.
        """

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before any symbol, for `batch_size` sequences."""

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target, and the state after the last symbol.

        Args:
            tokens: symbols, int64 `[time, batch]`.
            targets: the symbol after each, int64 `[time, batch]`; IGNORED costs nothing.
            state: the memory before the first of them.
            scoring: who observes it, and who helps.

        Returns:
            float32 `[time, batch]` under the name OWN; a model made of others adds theirs, by their names.
        """

    def parts(self, tokens: Tensor, state: State, scoring: Scoring = PLAIN) -> tuple[Parts, State]:
        """Returns what the models that this one consists of predict after each symbol, and the state after the last.

        Args:
            tokens: symbols, int64 `[time, batch]`.
            state: the memory before the first of them.
        """


class Network(nn.Module, ABC):
    """A language model whose weights are trained."""

    vocabulary_size: int

    def __call__(
        self, tokens: Tensor, state: State | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Returns logits `[time, batch, vocabulary]` and the new state, as `LanguageModel` says."""
        before = self.initial_state(tokens.shape[1]) if state is None else state
        result: tuple[Tensor, State] = super().__call__(tokens, before, generator)
        return result

    @abstractmethod
    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns logits `[time, batch, vocabulary]` and the new state, as `LanguageModel` says."""

    def read(self, tokens: Tensor, state: State, *, workers: Workers | None = None) -> tuple[Tensor, State]:
        """Returns what `forward` returns in evaluation mode; `workers` may compute parts of it side by side."""
        return self(tokens, state)

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """Returns the state before any symbol, on the model's device."""

    @abstractmethod
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew."""

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target, as `LanguageModel` says."""
        logits, state = self.read(tokens, state, workers=scoring.workers)
        nats = code_lengths(logits, targets)
        if scoring.observe is not None:
            scoring.observe(nats, lambda: logits, None)
        return {OWN: nats}, state

    def parts(self, tokens: Tensor, state: State, scoring: Scoring = PLAIN) -> tuple[Parts, State]:
        """Returns the network's own log-probabilities, as `LanguageModel` says."""
        logits, state = self.read(tokens, state, workers=scoring.workers)
        return Parts((logits.float().log_softmax(dim=-1),), None), state

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device


def code_lengths(logits: Tensor, targets: Tensor) -> Tensor:
    """Returns the nats of each target, float32 `[time, batch]`, from the logits `[time, batch, vocabulary]`."""
    # float32: the logits come in 16 bits under autocast, too coarse for a sum of logarithms.
    nats = functional.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return nats.view(targets.shape)


def chosen(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Returns the nats of each target, float32 `[time, batch]`, from the log-probabilities of all symbols."""
    nats = -log_probabilities.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return nats.where(targets != IGNORED, 0.0)


def detach(state: State) -> State:
    """Returns the state without the graph that computed it."""
    return tuple(part.detach() for part in state)


def slice_batch(state: State, start: int, stop: int) -> State:
    """Returns the state of the sequences `start … stop - 1` of a batch."""
    return tuple(part[:, start:stop] for part in state)


def join_batch(states: list[State]) -> State:
    """Returns the state of several batches side by side."""
    return states[0] if len(states) == 1 else tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
