"""Scheduled sampling: training in which some inputs are the model's own symbols instead of the true ones."""

import math
from typing import final

import torch
from torch import Tensor

from charlm.data.lanes import Window
from charlm.models.base import Network, State, code_lengths
from charlm.notation import Forcing
from charlm.training.objectives import Loss, next_symbol_loss


def true_symbol_probability(forcing: Forcing, progress: float) -> float:
    """Returns the probability that an input is the true symbol, given the progress (Bengio et al. 2015, section 2.4).

    In the paper the schedules are functions of the step. Here they are functions of the progress, so that they do
    not depend on the length of a training: linear, from 1 to E; exponential, E to the power of the progress; inverse
    sigmoid, K / (K + exp(i / K)) with i the progress in percent.
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
    """The objective of scheduled sampling: each input after the first is the true symbol, or drawn from the model.

    The targets are always the true symbols, and no gradient flows through a draw. The model reads one symbol a
    call, which is much slower than a whole window a call, and draws a new dropout mask for each symbol. While the
    probability of the true symbol is 1, the model reads the whole window in one call.
    """

    def __init__(self, forcing: Forcing) -> None:
        self._forcing = forcing

    def __call__(
        self, model: Network, window: Window, state: State, generator: torch.Generator, *, progress: float
    ) -> tuple[Loss, State]:
        """Returns the code length of the true symbols, and the state after the last input."""
        probability = true_symbol_probability(self._forcing, progress)
        if probability >= 1.0:
            return next_symbol_loss(model, window, state, generator)
        steps: list[Tensor] = []
        symbols = window.inputs[0]
        for place in range(len(window.inputs)):
            if place > 0:
                probabilities = steps[-1].detach().float().softmax(dim=-1)
                drawn = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
                coins = torch.rand(symbols.shape, generator=generator, device=symbols.device)
                symbols = torch.where(coins < probability, window.inputs[place], drawn)
            logits, state = model(symbols[None], state, generator)
            steps.append(logits[0])
        nats = code_lengths(torch.stack(steps), window.targets).sum()
        return Loss(nats, nats), state
