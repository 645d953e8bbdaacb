"""The n-gram model as a language model."""

from typing import final

import numpy as np
import torch
from torch import Tensor

from charlm.data.lanes import IGNORED
from charlm.models.base import OWN, PLAIN, CodeLengths, Parts, Scoring, State
from charlm.ngrams.grams import Ids
from charlm.ngrams.model import NgramModel


@final
class NgramLanguageModel:
    """Predicts the next symbol from counts; its state is the contexts, int64 `[order, batch]`."""

    def __init__(self, ngrams: NgramModel) -> None:
        self.ngrams = ngrams
        self.vocabulary_size = ngrams.vocabulary_size

    def __call__(
        self, tokens: Tensor, state: State | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Returns the logarithms of all symbols' probabilities, and the last contexts; there is no dropout."""
        before = self.initial_state(tokens.shape[1]) if state is None else state
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), before[0].cpu().numpy())
        return log_distributions(self.ngrams, contexts, tokens.device), (last_contexts(contexts, tokens.device),)

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target; faster than by way of all symbols' probabilities."""
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), state[0].cpu().numpy())
        probabilities = torch.from_numpy(self.ngrams.probabilities(contexts, targets.clamp(min=0).cpu().numpy()))
        nats = (-probabilities.log().float().to(tokens.device)).where(targets != IGNORED, 0.0)
        if scoring.observe is not None:
            scoring.observe(nats, lambda: log_distributions(self.ngrams, contexts, tokens.device), None)
        return {OWN: nats}, (last_contexts(contexts, tokens.device),)

    def parts(self, tokens: Tensor, state: State, scoring: Scoring = PLAIN) -> tuple[Parts, State]:
        """Returns the n-grams' log-probabilities, and how often the contexts were met."""
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), state[0].cpu().numpy())
        counted = log_distributions(self.ngrams, contexts, tokens.device)
        return Parts((counted,), self.ngrams.totals(contexts)), (last_contexts(contexts, tokens.device),)

    def __repr__(self) -> str:
        """Returns the class, the order and the number of grams."""
        return f"<NgramLanguageModel of order {self.ngrams.order}, {self.ngrams.num_grams:,} grams>"

    def initial_state(self, batch_size: int) -> State:
        """Returns the contexts before any symbol."""
        return (torch.from_numpy(self.ngrams.first_contexts(batch_size)),)


def log_distributions(ngrams: NgramModel, contexts: Ids, device: torch.device) -> Tensor:
    """Returns the logarithms of the probabilities of all symbols in some contexts, float32 `[…, vocabulary]`."""
    return torch.from_numpy(np.log(ngrams.distributions(contexts).astype(np.float32))).to(device)


def last_contexts(contexts: Ids, device: torch.device) -> Tensor:
    """Returns the contexts after the last symbol, as part of a state."""
    return torch.from_numpy(np.ascontiguousarray(contexts[:, -1])).to(device)
