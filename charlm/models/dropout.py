"""Dropout with an explicit source of randomness: a mask for every position, or one for a whole window."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes a share of the numbers in training and scales up the rest (Srivastava et al. 2014).

    With `over_time` the mask is drawn once and used at every position of the window, the variational
    dropout of Gal and Ghahramani (2016).
    """

    def __init__(self, probability: float, *, over_time: bool = False) -> None:
        super().__init__()
        self.probability = probability
        self.over_time = over_time

    def forward(self, inputs: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns `inputs` `[time, batch, units]` with the mask applied; unchanged in evaluation mode."""
        if not self.training or self.probability == 0.0:
            return inputs
        shape = (1, *inputs.shape[1:]) if self.over_time else inputs.shape
        keep = 1.0 - self.probability
        mask = torch.empty(shape, dtype=inputs.dtype, device=inputs.device)
        return inputs * mask.bernoulli_(keep, generator=generator).div_(keep)
