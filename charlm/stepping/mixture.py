"""The mixture of a network and an n-gram model, one symbol at a time; see charlm/models/mixture.py."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, Self, final

import numpy as np

from charlm.ngrams.stepping import AnyNgramStepper, NgramStepModel
from charlm.stepping.base import Arrays, Floats, State, StepModel, Stepper, Symbols, float32_copy, logistic
from charlm.stepping.matrices import multiply_rows


@dataclass(frozen=True)
class MixtureGate(ABC):
    """A network of one hidden layer, whose outputs say how both parts are put together.

    Attributes:
        hidden: `[features + 2, units]`: of the n-grams' confidence, and of the network's entropy and surprise.
        hidden_bias: `[units]`.
        output: `[units, outputs]`.
        output_bias: `[outputs]`.
    """

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Returns the gate whose weights these are, of the shapes that charlm/stepping/shapes.py gives."""
        names = "hidden.weight", "hidden.bias", "output.weight", "output.bias"
        return cls(*(float32_copy(arrays[name].T) for name in names))

    def outputs(self, known: Floats) -> Floats:
        """Returns the outputs, `[streams, outputs]`, the caller's to change.

        Args:
            known: the n-grams' confidence, the network's entropy and surprise, `[streams, features + 2]`.
        """
        units = np.tanh(multiply_rows(known, self.hidden) + self.hidden_bias)
        return multiply_rows(units, self.output) + self.output_bias

    @abstractmethod
    def mix(self, known: Floats, network: "Likelihoods", ngrams: Floats) -> Floats:
        """Returns the logits of the mixture, `[streams, vocabulary]`, in an array of the caller's.

        Args:
            known: as in `outputs`.
            ngrams: probabilities, `[streams, vocabulary]`.
        """


class Likelihoods(NamedTuple):
    """A network's distributions, not divided by their sums.

    Attributes:
        logits: less the highest, `[streams, vocabulary]`.
        exponentials: of them, `[streams, vocabulary]`, the gate's to change.
        totals: the sums of the exponentials, `[streams, 1]`.
    """

    logits: Floats
    exponentials: Floats
    totals: Floats


@final
class LogLinearGate(MixtureGate):
    """p ~ p_network^a p_ngrams^b."""

    def mix(self, known: Floats, network: Likelihoods, ngrams: Floats) -> Floats:
        """Returns the logits of the mixture; what all symbols have in common is left out."""
        weights = np.exp(self.outputs(known))
        mixed: Floats = np.log(ngrams, out=network.exponentials)
        np.multiply(mixed, weights[:, 1:], out=mixed)
        np.add(mixed, weights[:, :1] * network.logits, out=mixed)
        return mixed


@final
class LinearGate(MixtureGate):
    """p = g p_network + (1 - g) p_ngrams."""

    def mix(self, known: Floats, network: Likelihoods, ngrams: Floats) -> Floats:
        """Returns the logarithms of the mixture's probabilities."""
        share = logistic(self.outputs(known))
        mixed: Floats = np.multiply(network.exponentials, share / network.totals, out=network.exponentials)
        np.add(mixed, ngrams * (np.float32(1.0) - share), out=mixed)
        np.log(mixed, out=mixed)
        return mixed


@final
class MixedStepModel:
    """A StepModel of two; its state is the network's, and the n-grams' contexts."""

    def __init__(self, network: StepModel, ngrams: NgramStepModel, gate: MixtureGate) -> None:
        self.vocabulary_size = network.vocabulary_size
        self.exact_streams = network.exact_streams
        self._network = network
        self._ngrams = ngrams
        self._gate = gate

    def initial_state(self, batch_size: int) -> State:
        """Returns both parts' states."""
        return (*self._network.initial_state(batch_size), *self._ngrams.initial_state(batch_size))

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns both parts' states after a whole text."""
        return (*self._network.read(tokens, state[:-1]), *self._ngrams.read(tokens, state[-1:]))

    def stepper(self, state: State) -> "MixedStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        return MixedStepper(
            self._network.stepper(state[:-1]),
            self._ngrams.stepper(state[-1:]),
            self._gate,
            vocabulary_size=self.vocabulary_size,
        )


@final
class MixedStepper:
    """Streams that both parts read."""

    def __init__(self, network: Stepper, ngrams: AnyNgramStepper, gate: MixtureGate, *, vocabulary_size: int) -> None:
        self._network = network
        self._ngrams = ngrams
        self._gate = gate
        self._ones = np.ones(vocabulary_size, dtype=np.float32)

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next."""
        logits = self._network.step(tokens)
        counted = self._ngrams.probabilities_after(tokens)
        # With z the logits below the highest and t the sum of their exponentials, the surprise of the likeliest
        # symbol is log t, and the entropy log t - sum(z exp z) / t.
        below = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
        likelihoods = np.exp(below)
        totals: Floats = np.vecdot(likelihoods, self._ones)[:, None]
        surprise = np.log(totals)
        entropy = surprise - np.vecdot(likelihoods, below)[:, None] / totals
        known = np.concatenate((self._ngrams.confidence(), entropy, surprise), axis=1)
        return self._gate.mix(known, Likelihoods(below, likelihoods, totals), counted)

    def state(self) -> State:
        """Returns a copy of the memory of all streams."""
        return (*self._network.state(), *self._ngrams.state())
