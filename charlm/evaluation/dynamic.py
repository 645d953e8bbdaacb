"""Dynamic evaluation: a network that takes a gradient step on every few symbols after it was charged for them.

The rule of Krause et al. (2018): each weight moves against its gradient, divided by the gradient's usual size, and is
drawn back to its trained value, the more so the larger that size is:

    w <- w + min(decay * rms / s, 1) * (w_trained - w) - rate * g / (rms + epsilon * s)

Here s is the root mean square of all weights' rms; theirs is the mean.
"""

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import LanguageModel, Parts, State, detach
from charlm.models.mixture import MixedLanguageModel, network_of
from charlm.models.ngram import NgramLanguageModel

WINDOW = 20
"""Symbols after which the network takes a step."""
_MOST_ABOVE_GUESSING = 10.0
"""Nats that each of a few symbols may cost more than a guess, before the network is taken to be spoilt."""
_HIGHEST = 1e12
"""Of the size of a gradient: far more than any is."""


@dataclass(frozen=True)
class DynamicSettings:
    """How fast a network learns from the text that it is scored on.

    Attributes:
        rate: of learning.
        decay: share of the way back to the trained weights at every step.
        epsilon: added to the usual size of each weight's gradient, as a share of the root mean square of all. The mean
            would be next to nothing where most weights are those of rare symbols, and steps without bounds.
    """

    rate: float = 1e-4
    decay: float = 2e-3
    epsilon: float = 0.1


@final
class DynamicReader:
    """Reads with a copy of a model's network, which learns from every few symbols before it reads the next.

    Args:
        sizes: of the gradients of the network's weights, by their names, as `gradient_sizes` gives them.
        length: of windows. The network learns after every WINDOW symbols of longer ones, whose n-grams are looked up
            together; it learns after each window where they are no longer than that, as those of short records.

    Raises:
        ValueError: the sizes are not those of gradients of this network.
    """

    def __init__(
        self, model: LanguageModel, sizes: Mapping[str, Tensor], settings: DynamicSettings, *, length: int = WINDOW
    ) -> None:
        self.length = length
        self._ngrams = NgramLanguageModel(model.ngrams) if isinstance(model, MixedLanguageModel) else None
        self._vocabulary_size = model.vocabulary_size
        self._network = network = copy.deepcopy(network_of(model))
        network.requires_grad_(True)
        self._weights = [weight for _, weight in _weights(network)]
        self._trained = [weight.detach().clone() for weight in self._weights]
        known = [sizes[name].to(weight) for name, weight in _weights(network) if _is_of(sizes.get(name), weight)]
        squares = sum(float(size.square().sum()) for size in known)
        mean = math.sqrt(squares / sum(weight.numel() for weight in self._weights))
        if len(known) < len(self._weights) or not mean > 0.0:
            raise ValueError("the gradients are not those of this network")
        self._steps = [-settings.rate / (size + settings.epsilon * mean) for size in known]
        self._pulls = [(settings.decay * (size / mean)).clamp(max=1.0) for size in known]
        self._state: State = ()
        self._contexts: State = ()
        self._nats: Tensor | None = None

    def read(self, window: Window) -> Parts:
        """Returns what the parts predict in a window, the network's after it has learnt from all before."""
        if window.fresh:
            num_lanes = window.inputs.shape[1]
            self._state = self._network.initial_state(num_lanes)
            self._contexts = () if self._ngrams is None else self._ngrams.initial_state(num_lanes)
        length = WINDOW if self.length > WINDOW else len(window.inputs)
        pieces = zip(torch.split(window.inputs, length), torch.split(window.targets, length), strict=True)
        predicted = torch.cat([self._read_piece(inputs, targets) for inputs, targets in pieces])
        if self._ngrams is None:
            return Parts((predicted,), None)
        counted, self._contexts = self._ngrams.parts(window.inputs, self._contexts)
        return Parts((predicted, counted.log_probabilities[0].to(predicted.device)), counted.totals)

    def _read_piece(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the network's log-probabilities, once it has learnt from the piece before.

        A network that learning has spoilt is the trained one again: one that cost more than guessing would have, from
        the next piece on; one whose predictions are not finite, which the targets need not tell, at once.
        """
        nats = self._nats
        if nats is not None:
            if float(nats.detach()) < math.log(self._vocabulary_size) + _MOST_ABOVE_GUESSING:
                self._learn(nats)
            else:
                self._restore()
        predicted = self._predict(inputs)
        if not bool(torch.isfinite(predicted).all()):
            self._restore()
            self._state = self._network.initial_state(inputs.shape[1])
            predicted = self._predict(inputs)
        self._nats = _mean_nats(predicted, targets.to(predicted.device))
        return predicted.detach()

    def _predict(self, inputs: Tensor) -> Tensor:
        parts, self._state = self._network.parts(inputs.to(self._weights[0].device), detach(self._state))
        (predicted,) = parts.log_probabilities
        return predicted

    @torch.no_grad()
    def _restore(self) -> None:
        for weight, trained in zip(self._weights, self._trained, strict=True):
            weight.copy_(trained)

    def _learn(self, nats: Tensor) -> None:
        gradients = torch.autograd.grad(nats, self._weights)
        with torch.no_grad():
            for weight, gradient, step, trained, pull in zip(
                self._weights, gradients, self._steps, self._trained, self._pulls, strict=True
            ):
                weight.lerp_(trained, pull).addcmul_(gradient, step)


def gradient_sizes(model: LanguageModel, windows: Iterable[Window], *, most_windows: int = 60) -> dict[str, Tensor]:
    """Returns the root mean square of the gradients of a network's weights in some windows of a text, by name."""
    network = network_of(model)
    names, weights = zip(*_weights(network), strict=True)
    needed = [weight.requires_grad for weight in weights]
    squares = [torch.zeros_like(weight) for weight in weights]
    state: State = ()
    count = 0
    for window in windows:
        if count == most_windows:
            break
        if window.fresh:
            state = network.initial_state(window.inputs.shape[1])
        network.requires_grad_(True)
        parts, after = network.parts(window.inputs.to(network.device), state)
        nats = _mean_nats(parts.log_probabilities[0], window.targets.to(network.device))
        for square, gradient in zip(squares, torch.autograd.grad(nats, weights), strict=True):
            square += gradient * gradient
        state = detach(after)
        count += 1
    for weight, was_needed in zip(weights, needed, strict=True):
        weight.requires_grad_(was_needed)
    return {name: (square / max(1, count)).sqrt() for name, square in zip(names, squares, strict=True)}


def _is_of(size: Tensor | None, weight: Tensor) -> bool:
    """Whether this can be the size of a weight's gradient: of its shape and type, finite and nowhere negative."""
    return (
        size is not None
        and (size.shape, size.dtype) == (weight.shape, weight.dtype)
        and bool(((size >= 0.0) & (size < _HIGHEST)).all())
    )


def _weights(network: torch.nn.Module) -> list[tuple[str, Tensor]]:
    return list(network.named_parameters())


def _mean_nats(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return torch.nn.functional.nll_loss(log_probabilities.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
