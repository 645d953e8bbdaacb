"""Gradient clipping: by the norm of the whole gradient, or component by component."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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


def build_clip(*, max_norm: float, max_value: float | None) -> Clip:
    """Returns clipping by value if `max_value` is given, else by norm; a `max_norm` of 0 clips nothing."""
    if max_value is not None:
        return partial(clip_by_value, max_value=max_value)
    return partial(clip_by_norm, max_norm=max_norm if max_norm > 0.0 else float("inf"))


def clip_by_norm(parameters: Sequence[nn.Parameter], *, max_norm: float) -> Clipping:
    """Returns the divisor that limits the gradient's norm to `max_norm` (Pascanu et al. 2013)."""
    norm = torch.nn.utils.get_total_norm(_gradients(parameters))
    return Clipping(norm, norm > max_norm, (norm / max_norm).clamp(min=1.0))


def clip_by_value(parameters: Sequence[nn.Parameter], *, max_value: float) -> Clipping:
    """Limits every component of the gradient to `-max_value … max_value`, in place."""
    gradients = _gradients(parameters)
    norm = torch.nn.utils.get_total_norm(gradients)
    largest = torch.nn.utils.get_total_norm(gradients, norm_type=float("inf"))
    torch.nn.utils.clip_grad_value_(parameters, max_value)
    return Clipping(norm, largest > max_value, torch.ones_like(norm))


def _gradients(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]
