"""An exponential moving average of the weights (Polyak and Juditsky 1992, as used by most trainers)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """An average of a model's weights over the training steps.

    The decay grows with the number of updates n, `min(decay, (1 + n) / (10 + n))`, so that the random first
    weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.num_updates = 0
        self.weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, skipped: Tensor) -> None:
        """Moves the average towards the model's weights, unless `skipped`, float32 `[]` on their device, is 1."""
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        self.num_updates += 1
        current = [parameter.detach() for _, parameter in model.named_parameters()]
        averages = list(self.weights.values())
        changes = torch._foreach_sub(current, averages)
        torch._foreach_mul_(changes, (1.0 - decay) * (1.0 - skipped))
        torch._foreach_add_(averages, changes)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Replaces the model's weights with the averages inside the block."""
        own = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        model.load_state_dict(self.weights, strict=False)
        try:
            yield
        finally:
            model.load_state_dict(own, strict=False)
