"""What hand-written recurrent layers share: parameters, products over a whole window, and the steps through it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.cells.products import product_dtype


class RecurrentLayer(nn.Module, ABC):
    """A layer with a matrix for its inputs, one for its state, and a bias, named as torch names them.

    Args:
        gates: number of gates; each has a block of rows in the matrices.
    """

    def __init__(self, input_size: int, hidden_size: int, *, gates: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.zeros(gates * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(gates * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(gates * hidden_size))

    @abstractmethod
    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Returns the outputs `[time, batch, hidden]` and the last state, `[1, batch, hidden]` or a tuple of such.

        Args:
            inputs: `[time, batch, inputs]`.
            state: before the first of them, as the last state is returned.
        """


class WindowLayer(RecurrentLayer):
    """A layer whose state is its output alone, and whose whole window is one function.

    Args:
        recurrence: as `read_window` takes it, with the layer's matrices and its bias.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, gates: int, recurrence: type[torch.autograd.Function]
    ) -> None:
        super().__init__(input_size, hidden_size, gates=gates)
        self.recurrence = recurrence

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the outputs `[time, batch, hidden]` and the last state `[1, batch, hidden]`."""
        outputs, last = read_window(
            self.recurrence, inputs, (state,), self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0
        )
        return outputs, last


def read_window(
    recurrence: type[torch.autograd.Function], inputs: Tensor, states: tuple[Tensor, ...], *rest: Any
) -> tuple[Tensor, ...]:
    """Returns the outputs `[time, batch, hidden]` of a whole window, and each state after it, `[1, batch, hidden]`.

    Args:
        recurrence: takes the arithmetic of the window's products, the inputs, each state, and the rest.
        inputs: `[time, batch, inputs]`, or as the recurrence takes them.
        states: before the first of them, `[1, batch, hidden]` each.
        rest: weights, and whatever else the recurrence takes.
    """
    arguments = (product_dtype(inputs), inputs, *(state[0] for state in states), *rest)
    outputs, *last = recurrence.apply(*arguments)  # type: ignore[no-untyped-call]
    return outputs, *(state[None] for state in last)


def gate_inputs(inputs: Tensor, weights: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the input projection of a whole window, bias added, `[time, batch, gates * hidden]`.

    Args:
        inputs: `[time, batch, inputs]`, in `dtype`, the arithmetic of the product.
        weights: `[gates * hidden, inputs]`, in the precision of the result.
    """
    return functional.linear(inputs, weights.to(dtype), bias.to(dtype)).to(weights.dtype, copy=True)


def window_gradients(grad_gates: Tensor, inputs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of a window's inputs, of their matrix and of the bias.

    Args:
        grad_gates: of the pre-activations, `[time, batch, gates * hidden]`, in the weights' precision.
        inputs: `[time, batch, inputs]`; its type is the arithmetic of the products.
        weights: `[gates * hidden, inputs]`.
    """
    dtype = inputs.dtype
    flat = grad_gates.to(dtype).flatten(0, 1)
    grad_weights = _outer(flat, inputs.flatten(0, 1)).to(weights.dtype)
    return (flat @ weights.to(dtype)).view(inputs.shape), grad_weights, sum_rows(flat).to(weights.dtype)


def sum_rows(matrix: Tensor) -> Tensor:
    """Returns the sum over the first axis as a product, which in bfloat16 is faster by far than a sum, and finer."""
    return (matrix.new_ones(1, len(matrix)) @ matrix)[0]


def sum_by_symbol(values: Tensor, symbols: Tensor, *, num_symbols: int) -> Tensor:
    """Returns the sum of the rows of each symbol, `[symbols, columns]`, as a product with a matrix of zeros and ones.

    Args:
        values: `[time, batch, columns]`.
        symbols: `[time, batch]`.
    """
    are_equal = values.new_zeros(num_symbols, symbols.numel()).scatter_(0, symbols.flatten()[None], 1.0)
    return are_equal @ values.flatten(0, 1)


def state_gradient(grad_gates: Tensor, states: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the gradient of the matrix that multiplies the state before each symbol.

    Args:
        grad_gates: `[time, batch, gates * hidden]`.
        states: `[time, batch, hidden]`.
        dtype: arithmetic of the product.
    """
    return _outer(grad_gates.to(dtype).flatten(0, 1), states.to(dtype).flatten(0, 1)).to(grad_gates.dtype)


def _outer(grad_gates: Tensor, inputs: Tensor) -> Tensor:
    """Returns `grad_gates.t() @ inputs`; transposed, oneDNN computes it a sixth faster in bfloat16."""
    return (inputs.t() @ grad_gates).t().contiguous()


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
