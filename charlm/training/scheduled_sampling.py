"""Scheduled sampling: training that reads, now and then, a symbol of the model's own instead of the true one."""

import math
from typing import final

import torch
from torch import Tensor

from charlm.data.lanes import Window
from charlm.models.base import Network, State, code_lengths
from charlm.notation import Forcing
from charlm.training.objectives import Loss, next_symbol_loss


def share_of_truth(forcing: Forcing, progress: float) -> float:
    """Returns the probability with which the true symbol is read (Bengio et al. 2015, section 2.4).

    Their schedules fall with the step; these with the share of the training done, so that a training's length
    does not change its schedule: linear from 1 to E; exponential, E to the power of the share; inverse sigmoid,
    K / (K + exp(i / K)) with i the percent done.
    """
    match forcing.kind:
        case "always":
            return 1.0
        case "linear":
            return 1.0 - (1.0 - forcing.parameter) * progress
        case "exponential":
            return math.pow(forcing.parameter, progress)
        case "inverse-sigmoid":
            # exp may overflow for a small K; then the share is zero.
            return forcing.parameter / (forcing.parameter + math.exp(min(100.0 * progress / forcing.parameter, 700.0)))


@final
class ScheduledSampling:
    """Reads a window symbol by symbol; each after the first is true, or drawn from what was just predicted.

    The target is the true next symbol all the same, and no gradient flows through the draw. A window is read
    in as many calls as it has symbols, so that training is slower by far, and a dropout mask, too, is drawn
    for each symbol. While the true symbol is certain, the window is read in one call as always.
    """

    def __init__(self, forcing: Forcing) -> None:
        self._forcing = forcing

    def __call__(
        self, model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float
    ) -> tuple[Loss, State]:
        """Returns the code length of the true symbols, and the state after what was read."""
        share = share_of_truth(self._forcing, progress)
        if share >= 1.0:
            return next_symbol_loss(model, window, state, generator)
        steps: list[Tensor] = []
        symbols = window.inputs[0]
        for place in range(len(window.inputs)):
            if place > 0:
                drawn = _draw(steps[-1], generator)
                coins = torch.rand(symbols.shape, generator=generator, device=symbols.device)
                symbols = torch.where(coins < share, window.inputs[place], drawn)
            logits, state = model(symbols[None], state, generator)
            steps.append(logits[0])
        nats = code_lengths(torch.stack(steps), window.targets).sum()
        return Loss(nats, nats, window.num_targets), state


def _draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Returns a symbol for each row of `logits`, `[batch]`."""
    probabilities = logits.detach().float().softmax(dim=-1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
