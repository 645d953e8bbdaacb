"""Gradient clipping: by the norm of the whole gradient, or component by component."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

Clip = Callable[[Sequence[nn.Parameter]], tuple[Tensor, Tensor]]
"""Clips gradients in place; returns their norm before that, and whether anything was cut, both on the device."""


def build_clip(*, max_norm: float, max_value: float | None) -> Clip:
    """Returns clipping by value if `max_value` is given, else by norm (0: none)."""
    if max_value is not None:
        return partial(clip_by_value, max_value=max_value)
    return partial(clip_by_norm, max_norm=max_norm)


def clip_by_norm(parameters: Sequence[nn.Parameter], *, max_norm: float) -> tuple[Tensor, Tensor]:
    """Scales the gradient down to `max_norm` (Pascanu et al. 2013); 0 leaves it as it is."""
    norm = torch.nn.utils.get_total_norm(_gradients(parameters))
    if max_norm > 0.0:
        torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
        return norm, norm > max_norm
    return norm, torch.zeros_like(norm, dtype=torch.bool)


def clip_by_value(parameters: Sequence[nn.Parameter], *, max_value: float) -> tuple[Tensor, Tensor]:
    """Limits every component of the gradient to `-max_value … max_value`."""
    gradients = _gradients(parameters)
    norm = torch.nn.utils.get_total_norm(gradients)
    largest = torch.nn.utils.get_total_norm(gradients, norm_type=float("inf"))
    torch.nn.utils.clip_grad_value_(parameters, max_value)
    return norm, largest > max_value


def _gradients(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]
