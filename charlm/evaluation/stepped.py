"""A StepModel as a language model, to score the arithmetic that sampling uses."""

from typing import final

import numpy as np
import torch
from torch import Tensor

from charlm.models.base import OWN, PLAIN, CodeLengths, Parts, Scoring, State, code_lengths
from charlm.stepping.base import StepModel


@final
class SteppedModel:
    """A language model that reads every window symbol by symbol with a StepModel."""

    def __init__(self, model: StepModel) -> None:
        self.vocabulary_size = model.vocabulary_size
        self._model = model

    def __call__(
        self, tokens: Tensor, state: State | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Returns the logits of each next symbol, and the state after the last; all on the CPU, without dropout."""
        before = self.initial_state(tokens.shape[1]) if state is None else state
        stepper = self._model.stepper(tuple(part.numpy() for part in before))
        logits = np.empty((*tokens.shape, self.vocabulary_size), dtype=np.float32)
        for row, symbols in zip(logits, tokens.numpy(), strict=True):
            row[:] = stepper.step(symbols)
        return torch.from_numpy(logits), tuple(torch.from_numpy(part) for part in stepper.state())

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target."""
        logits, state = self(tokens, state)
        nats = code_lengths(logits, targets)
        if scoring.observe is not None:
            scoring.observe(nats, lambda: logits, None)
        return {OWN: nats}, state

    def parts(self, tokens: Tensor, state: State, scoring: Scoring = PLAIN) -> tuple[Parts, State]:
        """Returns the model's own log-probabilities, as those of one part."""
        logits, state = self(tokens, state)
        return Parts((logits.log_softmax(dim=-1),), None), state

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before any symbol, for `batch_size` sequences."""
        return tuple(torch.from_numpy(part) for part in self._model.initial_state(batch_size))
