"""How a mixture puts a network's distribution and an n-gram model's together, for every symbol anew."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.ngrams.model import num_features
from charlm.stepping.shapes import GATE_OUTPUTS, GATE_SIZE


class MixtureGate(nn.Module, ABC):
    """A network of one hidden layer, of what is known before the symbol is.

    It sees how often each of the n-grams' contexts was met and by how many symbols followed, and how sure the network
    is: its entropy and its highest probability.
    """

    def __init__(self, order: int, *, num_outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(num_features(order) + 2, GATE_SIZE)
        self.output = nn.Linear(GATE_SIZE, num_outputs)

    def forward(self, confidence: Tensor, network: Tensor, ngrams: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mixture's log-probabilities `[…, vocabulary]`, and the network's share in them, 0 to 1, `[…]`.

        Args:
            confidence: of the n-gram model, float32 `[…, features]`.
            network: the network's log-probabilities of all symbols, float32 `[…, vocabulary]`.
            ngrams: the n-gram model's.
        """
        return self._mix(self.outputs(confidence, network), network, ngrams)

    def outputs(self, confidence: Tensor, network: Tensor) -> Tensor:
        """Returns the gate's outputs `[…, outputs]`; arguments as in `forward`."""
        entropy = -(network.exp() * network).sum(dim=-1, keepdim=True)
        surprise = -network.amax(dim=-1, keepdim=True)
        known = torch.cat((confidence, entropy, surprise), dim=-1)
        outputs: Tensor = self.output(torch.tanh(self.hidden(known)))
        return outputs

    @abstractmethod
    def _mix(self, outputs: Tensor, network: Tensor, ngrams: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what `forward` returns, from the gate's outputs `[…, outputs]`."""

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws the weights anew; at first both parts weigh everywhere what they weigh in most mixtures."""
        nn.init.xavier_uniform_(self.hidden.weight, generator=generator)
        nn.init.zeros_(self.hidden.bias)
        nn.init.zeros_(self.output.weight)
        self.output.bias.copy_(self._first_outputs())

    @abstractmethod
    def _first_outputs(self) -> Tensor:
        """Returns the outputs of a gate that has learnt nothing."""


@final
class LogLinearGate(MixtureGate):
    """p ~ p_network^a p_ngrams^b: the weights a and b are the exponentials of the gate's two outputs.

    Unlike shares, weights can sharpen and flatten, and a symbol that one part all but excludes stays excluded
    (Genest and Zidek 1986, logarithmic opinion pools; Hinton 2002, products of experts).
    """

    def __init__(self, order: int) -> None:
        super().__init__(order, num_outputs=GATE_OUTPUTS["log-linear"])

    def _mix(self, outputs: Tensor, network: Tensor, ngrams: Tensor) -> tuple[Tensor, Tensor]:
        weights = outputs.exp()
        own, other = weights[..., :1], weights[..., 1:]
        mixed = (own * network + other * ngrams).log_softmax(dim=-1)
        return mixed, (own / (own + other))[..., 0]

    def _first_outputs(self) -> Tensor:
        return torch.tensor([0.75, 0.25]).log()

    @contextmanager
    def scaled(self, scales: Tensor) -> Iterator[None]:
        """Multiplies both weights by `scales`, `[2]`, for as long as the context lasts."""
        bias = self.output.bias.detach().clone()
        try:
            with torch.no_grad():
                self.output.bias.add_(scales.to(bias).log())
            yield
        finally:
            with torch.no_grad():
                self.output.bias.copy_(bias)


@final
class LinearGate(MixtureGate):
    """p = g p_network + (1 - g) p_ngrams: the share g is the logistic function of the gate's output.

    The mixture of experts of Jacobs et al. (1991), with counts for one of them.
    """

    def __init__(self, order: int) -> None:
        super().__init__(order, num_outputs=GATE_OUTPUTS["linear"])

    def _mix(self, outputs: Tensor, network: Tensor, ngrams: Tensor) -> tuple[Tensor, Tensor]:
        mixed = torch.logaddexp(functional.logsigmoid(outputs) + network, functional.logsigmoid(-outputs) + ngrams)
        return mixed, outputs[..., 0].sigmoid()

    def _first_outputs(self) -> Tensor:
        return torch.tensor([float(np.log(0.7 / 0.3))])
