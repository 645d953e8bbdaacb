"""Small networks with weights that are anything but as usual, and texts for them."""

import torch

from charlm.models.base import Network

NUM_SYMBOLS = 5


def draw_weights(model: Network, *, deviation: float) -> None:
    """Draws all weights anew, biases and gains too, so that none can be forgotten."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(deviation * torch.randn(parameter.shape, generator=generator))


def random_tokens(time: int = 7, batch: int = 2) -> torch.Tensor:
    """Returns symbols `[time, batch]`, always the same."""
    return torch.randint(0, NUM_SYMBOLS, (time, batch), generator=torch.Generator().manual_seed(2))
