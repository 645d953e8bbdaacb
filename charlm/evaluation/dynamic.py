"""Dynamic evaluation: a network that takes a gradient step on every few symbols after it was charged for them.

The rule of Krause et al. (2018): each weight moves against its gradient, divided by the gradient's usual size, and is
drawn back to its trained value, the more so the larger that size is:

    w <- w + decay * min(rms / mean rms, 1 / decay) * (w_trained - w) - rate * g / (rms + epsilon)
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import LanguageModel, Parts, State, detach
from charlm.models.mixture import MixedLanguageModel, network_of

WINDOW = 20
"""Symbols after which the network takes a step."""


@dataclass(frozen=True)
class DynamicSettings:
    """How fast a network learns from the text that it is scored on.

    Attributes:
        rate: of learning.
        decay: share of the way back to the trained weights at every step.
        epsilon: added to the usual size of each weight's gradient, as a share of the mean size of all.
    """

    rate: float = 1e-4
    decay: float = 2e-3
    epsilon: float = 0.1


@final
class DynamicReader:
    """Reads with a copy of a model whose network learns from each window before it reads the next.

    Args:
        sizes: of the gradients of the network's weights, by their names, as `gradient_sizes` gives them.
    """

    def __init__(self, model: LanguageModel, sizes: Mapping[str, Tensor], settings: DynamicSettings) -> None:
        self.length = WINDOW
        self._ngrams = model.ngrams if isinstance(model, MixedLanguageModel) else None
        self._model = copy.deepcopy(model)
        network = network_of(self._model)
        network.requires_grad_(True)
        self._weights = [weight for _, weight in _weights(network)]
        self._trained = [weight.detach().clone() for weight in self._weights]
        known = [sizes[name].to(network.device) for name, _ in _weights(network)]
        mean = sum(float(size.sum()) for size in known) / sum(size.numel() for size in known)
        self._steps = [-settings.rate / (size + settings.epsilon * mean) for size in known]
        self._pulls = [settings.decay * (size / mean).clamp(max=1.0 / settings.decay) for size in known]
        self._state: State = ()
        self._nats: Tensor | None = None

    def read(self, window: Window) -> Parts:
        """Returns what the parts predict in a window, the network's after it has learnt from the window before."""
        if self._nats is not None:
            self._learn(self._nats)
        device = self._weights[0].device
        if window.fresh:
            self._state = self._model.initial_state(window.inputs.shape[1])
        parts, state = self._model.parts(window.inputs.to(device), detach(self._state))
        self._state = state
        self._nats = _mean_nats(parts.log_probabilities[0], window.targets.to(device))
        return Parts(tuple(each.detach() for each in parts.log_probabilities), parts.totals)

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


def _weights(network: torch.nn.Module) -> list[tuple[str, Tensor]]:
    return list(network.named_parameters())


def _mean_nats(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return torch.nn.functional.nll_loss(log_probabilities.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
