"""The steps of a recurrence over a window, one by one, forwards and backwards."""

from collections.abc import Iterator

import torch
from torch import Tensor


def each_step(*windows: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Returns the parts of some tensors `[time, …]` at the first step, then at the next, up to the last."""
    return zip(*(window.unbind(0) for window in windows), strict=True)


def each_step_back(*windows: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Returns the parts of some tensors `[time, …]` at the last step, then at the one before, down to the first."""
    return zip(*(window.unbind(0)[::-1] for window in windows), strict=True)


def state_gradients(grad_outputs: Tensor, grad_last: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the gradients of the state before a window and after each symbol, `[time + 1, batch, hidden]`.

    They are those of the outputs and of the last state; what comes back through the steps is still to be added.
    """
    grads = grad_outputs.new_empty(len(grad_outputs) + 1, *grad_outputs.shape[1:], dtype=dtype)
    grads[0], grads[1:] = 0.0, grad_outputs
    grads[-1].add_(grad_last)
    return grads
