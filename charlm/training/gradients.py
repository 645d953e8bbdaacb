"""The gradient of some lanes of a batch: what `backward` does, safe on several threads."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from charlm.models.base import State


@dataclass(frozen=True)
class LanesGradient:
    """What back-propagation through some lanes of a window gives.

    Attributes:
        total_nats: their loss, summed over the targets.
        state: after the window.
        gradients: of each parameter; None where the loss does not depend on it.
    """

    total_nats: Tensor
    state: State
    gradients: Sequence[Tensor | None]


def gradients_of(loss: Tensor, parameters: Sequence[nn.Parameter]) -> Sequence[Tensor | None]:
    """Returns the gradients of a loss, none of which shares memory with another.

    A layer may give two of its biases the same tensor; clipping the one in place would then clip the other, too.
    """
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    seen: set[int] = set()
    own: list[Tensor | None] = []
    for gradient in gradients:
        if gradient is not None and (gradient.data_ptr() in seen or not gradient.is_contiguous()):
            gradient = gradient.clone(memory_format=torch.contiguous_format)
        if gradient is not None:
            seen.add(gradient.data_ptr())
        own.append(gradient)
    return own
