"""The objectives of training: the code length of the next symbol, by a network or by a mixture."""

from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor
from torch.nn import functional

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import Network, State, code_lengths
from charlm.models.mixture import MixedLanguageModel
from charlm.ngrams.cross_fitting import HeldOutDistributions


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

    def __init__(self, held_out: HeldOutDistributions) -> None:
        self._places = torch.from_numpy(held_out.places)
        self._log_probabilities = torch.from_numpy(held_out.log_probabilities)
        self._confidence = torch.from_numpy(held_out.confidence)

    def __call__(
        self, model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float = 0.0
    ) -> tuple[Loss, State]:
        """Returns the network's code length and, as the minimized loss, its sum with the mixture's; and the state.

        The mixture is computed where the n-grams' distributions are known, for all of the window.
        """
        assert isinstance(model, MixedLanguageModel)
        device = window.inputs.device
        logits, network_state = model.network(window.inputs, state[:-1], generator)
        total = code_lengths(logits, window.targets).sum()
        chosen, rows = self._known(window)
        own = logits.detach().flatten(0, 1)[chosen.to(device)].float().log_softmax(dim=-1)
        confidence, counted = (each[rows].to(device) for each in (self._confidence, self._log_probabilities))
        with torch.autocast(device.type, enabled=False):
            mixed, _ = model.gate(confidence, own, counted)
        targets = window.targets.flatten()[chosen.to(device)]
        nats = functional.nll_loss(mixed, targets, ignore_index=IGNORED, reduction="sum")
        # As much as if all targets were known, so that the rate of learning does not hang on how many are.
        minimized = total + nats * (window.num_targets / max(1, len(chosen)))
        return Loss(total, minimized), (*network_state, state[-1])

    def _known(self, window: Window) -> tuple[Tensor, Tensor]:
        """Returns which of a window's targets, flattened, have distributions here, and the numbers of these."""
        places = window.places().flatten()
        rows = torch.searchsorted(self._places, places).clamp(max=len(self._places) - 1)
        chosen = (self._places[rows] == places).nonzero()[:, 0]
        return chosen, rows[chosen]
