"""A mixture of a network and an n-gram model, with weights that a gate computes for every symbol.

    p(symbol) = g * p_network(symbol) + (1 - g) * p_ngrams(symbol)

An n-gram model knows names, spellings and set phrases that a network needs long to learn; a network knows what
no count can. Which of them is right can be seen before the symbol is: by how often each of the n-grams'
contexts was met and by how many symbols followed it, and by how sure the network is (its entropy and its
highest probability). The gate g is the logistic output of a small network of these (Jacobs et al. 1991,
mixtures of experts, with counts for one of them).
"""

from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.data.lanes import IGNORED
from charlm.models.base import OWN, PLAIN, CodeLengths, LanguageModel, Network, Scoring, State
from charlm.models.ngram import last_contexts, log_distributions
from charlm.ngrams.model import NgramModel, num_features
from charlm.stepping.shapes import GATE_SIZE

NETWORK_ALONE, NGRAMS_ALONE = "network alone", "n-grams alone"


def network_of(model: LanguageModel) -> Network:
    """Returns the network in a model that is one, or has one."""
    network = model.network if isinstance(model, MixedLanguageModel) else model
    assert isinstance(network, Network)
    return network


@final
class MixtureGate(nn.Module):
    """The logarithms of both shares, from what is known before the symbol is."""

    def __init__(self, order: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(num_features(order) + 2, GATE_SIZE)
        self.output = nn.Linear(GATE_SIZE, 1)

    def forward(self, confidence: Tensor, log_probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the logarithms of the network's and the n-grams' share, `[…]`.

        Args:
            confidence: of the n-gram model, float32 `[…, features]`.
            log_probabilities: the network's, of all symbols, `[…, vocabulary]`.
        """
        entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=-1, keepdim=True)
        surprise = -log_probabilities.amax(dim=-1, keepdim=True)
        known = torch.cat((confidence, entropy, surprise), dim=-1)
        odds = self.output(torch.tanh(self.hidden(known)))[..., 0]
        return functional.logsigmoid(odds), functional.logsigmoid(-odds)

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws the weights anew; at first the network has the share of 0.7 everywhere."""
        nn.init.xavier_uniform_(self.hidden.weight, generator=generator)
        nn.init.zeros_(self.hidden.bias)
        nn.init.zeros_(self.output.weight)
        nn.init.constant_(self.output.bias, float(np.log(0.7 / 0.3)))


@final
class MixedLanguageModel(Network):
    """A network, an n-gram model and their gate; its state is the network's, and the n-grams' contexts."""

    def __init__(self, network: Network, ngrams: NgramModel) -> None:
        super().__init__()
        self.vocabulary_size = network.vocabulary_size
        self.network = network
        self.gate = MixtureGate(ngrams.order)
        self.ngrams = ngrams

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logarithms of the probabilities `[time, batch, vocabulary]`, and the state after the last."""
        read = self.network(tokens, state[:-1], generator)
        own, network_state, contexts = self._read(*read, tokens, state)
        mixed = self._mix(own, contexts, *self._shares(own, contexts))
        return mixed, (*network_state, last_contexts(contexts, tokens.device))

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target, of the mixture and of both parts alone."""
        own, network_state, contexts = self._read(
            *self.network.read(tokens, state[:-1], workers=scoring.workers), tokens, state
        )
        network_share, ngram_share = self._shares(own, contexts)
        symbols = targets.clamp(min=0)
        network = own.gather(-1, symbols[..., None])[..., 0]
        probabilities = torch.from_numpy(self.ngrams.probabilities(contexts, symbols.cpu().numpy()))
        counted = probabilities.log().float().to(own.device)
        mixed = torch.logaddexp(network_share + network, ngram_share + counted)
        parts = {OWN: mixed, NETWORK_ALONE: network, NGRAMS_ALONE: counted}
        nats = {name: (-each).where(targets != IGNORED, 0.0) for name, each in parts.items()}
        if scoring.observe is not None:
            scoring.observe(
                nats[OWN], lambda: self._mix(own, contexts, network_share, ngram_share), network_share.exp()
            )
        return nats, (*network_state, last_contexts(contexts, tokens.device))

    def initial_state(self, batch_size: int) -> State:
        """Returns the network's state and the contexts before any symbol."""
        contexts = torch.from_numpy(self.ngrams.first_contexts(batch_size)).to(self.device)
        return (*self.network.initial_state(batch_size), contexts)

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, the network's first: they are those it would have alone."""
        self.network.initialize(generator)
        self.gate.initialize(generator)

    def _read(
        self, logits: Tensor, network_state: State, tokens: Tensor, state: State
    ) -> tuple[Tensor, State, np.ndarray]:
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), state[-1].cpu().numpy())
        return logits.float().log_softmax(dim=-1), network_state, contexts

    def _mix(self, own: Tensor, contexts: np.ndarray, network_share: Tensor, ngram_share: Tensor) -> Tensor:
        counted = log_distributions(self.ngrams, contexts, own.device)
        return torch.logaddexp(network_share[..., None] + own, ngram_share[..., None] + counted)

    def _shares(self, log_probabilities: Tensor, contexts: np.ndarray) -> tuple[Tensor, Tensor]:
        confidence = torch.from_numpy(self.ngrams.confidence(contexts)).to(log_probabilities.device)
        shares: tuple[Tensor, Tensor] = self.gate(confidence, log_probabilities)
        return shares
