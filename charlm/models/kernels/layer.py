"""What the hand-written recurrent layers share: parameters named as torch names them, and products over a window."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class RecurrentLayer(nn.Module):
    """One layer's matrices for its inputs and its state, gate by gate, and a bias.

    Args:
        gates: blocks of the matrices, one above the other.
    """

    def __init__(self, input_size: int, hidden_size: int, *, gates: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.zeros(gates * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(gates * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(gates * hidden_size))

    def extra_repr(self) -> str:
        """Returns the sizes, for printing the model."""
        return f"{self.weight_ih_l0.shape[1]}, {self.hidden_size}"


def gate_inputs(inputs: Tensor, weights: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns what the inputs of a whole window add to each gate, `[time, batch, gates * hidden]`.

    Args:
        inputs: `[time, batch, inputs]`, in `dtype`, the arithmetic of the product.
        weights: `[gates * hidden, inputs]`, in the precision of the result.
    """
    return functional.linear(inputs, weights.to(dtype), bias.to(dtype)).to(weights.dtype, copy=True)


def window_gradients(grad_gates: Tensor, inputs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of a window's inputs, of the matrix that they met, and of the bias.

    Args:
        grad_gates: of what entered the gates, `[time, batch, gates * hidden]`, in the weights' precision.
        inputs: `[time, batch, inputs]`; its type is the arithmetic of the products.
        weights: `[gates * hidden, inputs]`.
    """
    dtype = inputs.dtype
    flat = grad_gates.to(dtype).flatten(0, 1)
    grad_weights = (flat.t() @ inputs.flatten(0, 1)).to(weights.dtype)
    # A product: summing over the first axis is slower by far in bfloat16, and coarser.
    grad_bias = (flat.new_ones(1, len(flat)) @ flat)[0].to(weights.dtype)
    return (flat @ weights.to(dtype)).view(inputs.shape), grad_weights, grad_bias


def state_gradient(grad_gates: Tensor, states: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the gradient of the matrix that the states before each symbol met.

    Args:
        grad_gates: `[time, batch, gates * hidden]`.
        states: `[time, batch, hidden]`.
        dtype: arithmetic of the product.
    """
    product = grad_gates.to(dtype).flatten(0, 1).t() @ states.to(dtype).flatten(0, 1)
    return product.to(grad_gates.dtype)
