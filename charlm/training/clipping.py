"""Gradient clipping: by the norm of the whole gradient, or component by component."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Clipping:
    """The result of clipping, as tensors on the gradient's device.

    Attributes:
        norm: norm of the whole gradient before clipping, float32 `[]`.
        clipped: whether the gradient is clipped, bool `[]`.
        divisor: the divisor that the optimizer applies to the gradient, float32 `[]`.
    """

    norm: Tensor
    clipped: Tensor
    divisor: Tensor


Clip = Callable[[Sequence[nn.Parameter]], Clipping]


def clip_gradient(parameters: Sequence[nn.Parameter], *, max_norm: float, max_value: float | None) -> Clipping:
    """Limits the gradient's norm with a divisor (Pascanu et al. 2013), or its components in place.

    Args:
        max_norm: largest norm; 0 clips nothing.
        max_value: largest absolute value of a component, instead of `max_norm`.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if max_value is not None:
        largest = torch.nn.utils.get_total_norm(gradients, norm_type=float("inf"))
        torch.nn.utils.clip_grad_value_(parameters, max_value)
        return Clipping(norm, largest > max_value, torch.ones_like(norm))
    max_norm = max_norm or float("inf")
    return Clipping(norm, norm > max_norm, (norm / max_norm).clamp(min=1.0))
