"""The objectives of training: the code length of the next symbol, by a network or by a mixture."""

from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor
from torch.nn import functional

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import Network, State, code_lengths
from charlm.models.mixture import MixedLanguageModel
from charlm.ngrams.cross_fitting import HeldOutScores


@dataclass(frozen=True)
class Loss:
    """The loss of a window, as sums over its targets.

    Attributes:
        total_nats: the network's code length, for reports.
        minimized: the quantity that training minimizes, for gradients.
    """

    total_nats: Tensor
    minimized: Tensor


class Objective(Protocol):
    """A function that computes the loss of a model on a window."""

    def __call__(
        self, model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float
    ) -> tuple[Loss, State]:
        """Returns the loss of a window's targets, and the state after it.

        Args:
            generator: source of dropout masks and drawn symbols.
            progress: share of the training done before this window, 0 to 1.
        """


def next_symbol_loss(
    model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float = 0.0
) -> tuple[Loss, State]:
    """Returns the code length of a window's targets under teacher forcing, and the state after it."""
    logits, state = model(window.inputs, state, generator)
    nats = code_lengths(logits, window.targets).sum()
    return Loss(nats, nats), state


@final
class MixtureLoss:
    """The objective of a mixture: the network's own code length of a text, and the mixture's for the gate.

    The mixture's gradient does not reach the network. A network trained as part of the mixture predicts worse by
    itself, and the mixture is no better (docs/experiments.md).
    """

    def __init__(self, scores: HeldOutScores) -> None:
        self._log_probabilities = torch.from_numpy(scores.probabilities).log()
        self._confidence = torch.from_numpy(scores.confidence)

    def __call__(
        self, model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float = 0.0
    ) -> tuple[Loss, State]:
        """Returns the network's code length and, as the minimized loss, its sum with the mixture's; and the state."""
        assert isinstance(model, MixedLanguageModel)
        device = window.inputs.device
        logits, network_state = model.network(window.inputs, state[:-1], generator)
        known = logits.float().log_softmax(dim=-1)
        nats = functional.nll_loss(
            known.flatten(0, 1), window.targets.flatten(), ignore_index=IGNORED, reduction="none"
        ).view(window.targets.shape)
        places = window.places().clamp(max=len(self._log_probabilities) - 1)
        counted = self._log_probabilities[places].to(device, non_blocking=True)
        confidence = self._confidence[places].to(device, non_blocking=True).float()
        with torch.autocast(device.type, enabled=False):
            network_share, ngram_share = model.gate(confidence, known.detach())
        mixed = -torch.logaddexp(network_share - nats.detach(), ngram_share + counted)
        total = nats.sum()
        minimized = total + mixed.where(window.targets != IGNORED, 0.0).sum()
        return Loss(total, minimized), (*network_state, state[-1])
