"""A mixture of a network and an n-gram model, put together by a gate for every symbol anew.

An n-gram model knows names, spellings and set phrases that a network needs long to learn; a network knows what
no count can. Which of them is right can be seen before the symbol is: by how often each of the n-grams'
contexts was met and by how many symbols followed it, and by how sure the network is.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.data.lanes import IGNORED
from charlm.models.base import OWN, PLAIN, CodeLengths, LanguageModel, Network, Parts, Scoring, State, chosen
from charlm.models.mixture_gates import MixtureGate
from charlm.models.ngram import NgramLanguageModel, last_contexts, log_distributions
from charlm.ngrams.model import NgramModel

NETWORK_ALONE, NGRAMS_ALONE = "network alone", "n-grams alone"


def network_of(model: LanguageModel) -> Network:
    """Returns the network in a model that is one, or has one."""
    network = model.network if isinstance(model, MixedLanguageModel) else model
    assert isinstance(network, Network)
    return network


@final
class MixedLanguageModel(Network):
    """A network, an n-gram model and their gate; its state is the network's, and the n-grams' contexts."""

    def __init__(self, network: Network, ngrams: NgramModel, gate: MixtureGate) -> None:
        super().__init__()
        self.vocabulary_size = network.vocabulary_size
        self.network = network
        self.gate = gate
        self.ngrams = ngrams

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logarithms of the probabilities `[time, batch, vocabulary]`, and the state after the last."""
        logits, network_state = self.network(tokens, state[:-1], generator)
        own, counted, confidence, contexts = self._read(logits, tokens, state)
        mixed, _ = self.gate(confidence, own, counted)
        return mixed, (*network_state, last_contexts(contexts, tokens.device))

    def nats(self, tokens: Tensor, targets: Tensor, state: State, scoring: Scoring = PLAIN) -> CodeLengths:
        """Returns the code length of each target, of the mixture and of both parts alone."""
        if not (targets != IGNORED).any():
            return self._warmed_up(tokens, targets, state)
        # Counts are looked up while the network reads: its layers leave a thread idle now and then.
        with ThreadPoolExecutor(1) as beside:
            counting = beside.submit(self._count, tokens, state) if scoring.workers is not None else None
            logits, network_state = self.network.read(tokens, state[:-1], workers=scoring.workers)
            counted, confidence, contexts = counting.result() if counting else self._count(tokens, state)
        own = logits.float().log_softmax(dim=-1)
        mixed, share = self.gate(confidence, own, counted)
        parts = {OWN: mixed, NETWORK_ALONE: own, NGRAMS_ALONE: counted}
        nats = {name: chosen(each, targets) for name, each in parts.items()}
        if scoring.observe is not None:
            scoring.observe(nats[OWN], lambda: mixed, share)
        return nats, (*network_state, last_contexts(contexts, tokens.device))

    def _warmed_up(self, tokens: Tensor, targets: Tensor, state: State) -> CodeLengths:
        """Returns what `nats` does where nothing is to be predicted, without distributions over large vocabularies."""
        _, network_state = self.network.read(tokens, state[:-1])
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), state[-1].cpu().numpy())
        nothing = torch.zeros_like(targets, dtype=torch.float32)
        nats = dict.fromkeys((OWN, NETWORK_ALONE, NGRAMS_ALONE), nothing)
        return nats, (*network_state, last_contexts(contexts, tokens.device))

    def parts(self, tokens: Tensor, state: State, scoring: Scoring = PLAIN) -> tuple[Parts, State]:
        """Returns the log-probabilities of the network and of the n-grams, and how often the contexts were met."""
        network, network_state = self.network.parts(tokens, state[:-1], scoring)
        ngrams, contexts = NgramLanguageModel(self.ngrams).parts(tokens, state[-1:])
        counted = ngrams.log_probabilities[0].to(tokens.device)
        return Parts((*network.log_probabilities, counted), ngrams.totals), (*network_state, *contexts)

    def gate_outputs(self, tokens: Tensor, state: State) -> tuple[Tensor, tuple[Tensor, Tensor], State]:
        """Returns the gate's outputs `[time, batch, outputs]`, what it mixes, and the state after the last symbol."""
        logits, network_state = self.network.read(tokens, state[:-1])
        own, counted, confidence, contexts = self._read(logits, tokens, state)
        after = (*network_state, last_contexts(contexts, tokens.device))
        return self.gate.outputs(confidence, own), (own, counted), after

    def initial_state(self, batch_size: int) -> State:
        """Returns the network's state and the contexts before any symbol."""
        contexts = torch.from_numpy(self.ngrams.first_contexts(batch_size)).to(self.device)
        return (*self.network.initial_state(batch_size), contexts)

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, the network's first: they are those it would have alone."""
        self.network.initialize(generator)
        self.gate.initialize(generator)

    def _read(self, logits: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, Tensor, NDArray[np.int64]]:
        """Returns the log-probabilities of both parts, the n-grams' confidence and their contexts."""
        return logits.float().log_softmax(dim=-1), *self._count(tokens, state)

    def _count(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
        """Returns the n-grams' log-probabilities, their confidence and their contexts."""
        contexts = self.ngrams.contexts_after(tokens.cpu().numpy(), state[-1].cpu().numpy())
        confidence = torch.from_numpy(self.ngrams.confidence(contexts)).to(tokens.device)
        return log_distributions(self.ngrams, contexts, tokens.device), confidence, contexts
