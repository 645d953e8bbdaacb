"""A plain recurrent layer for the CPU, faster than torch's own."""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from charlm.config import Nonlinearity
from charlm.models.cells.layer import each_step_back, gate_inputs, read_window, state_gradient, state_gradients
from charlm.models.cells.products import StepProduct

_ACTIVATIONS: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "tanh": Tensor.tanh_,
    "relu": Tensor.relu_,
    "sigmoid": Tensor.sigmoid_,
}
_SLOPES: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "tanh": lambda outputs: 1.0 - outputs.square(),
    "relu": lambda outputs: (outputs > 0.0).to(outputs.dtype),
    "sigmoid": lambda outputs: outputs * (1.0 - outputs),
}
"""The derivative of each activation, by its value."""


@final
class RNN(nn.RNN):
    """One Elman layer (1990) with the parameters and the equation of `torch.nn.RNN`.

        h' = tanh(W_i x + b_i + W_h h + b_h)

    or with ReLU, or with the logistic function, which torch lacks. The products with the inputs are one for
    the whole window, forwards and backwards. Other devices than the CPU run torch's kernel where there is one.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, input_size: int, hidden_size: int, *, nonlinearity: Nonlinearity = "tanh") -> None:
        super().__init__(input_size, hidden_size, nonlinearity="relu" if nonlinearity == "relu" else "tanh")
        self.activation = nonlinearity

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Returns the outputs `[time, batch, hidden]` and the last state `[1, batch, hidden]`."""
        if inputs.device.type != "cpu" and self.activation != "sigmoid":
            outputs, last = super().forward(inputs, state)
            return outputs, last
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0 + self.bias_hh_l0)
        outputs, last = read_window(_Recurrence, inputs, (state,), self.activation, *weights)
        return outputs, last


class _Recurrence(torch.autograd.Function):
    """The layer over a window; the state stays in the weights' precision whatever the products use."""

    @staticmethod
    def forward(
        ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, activation: Nonlinearity, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        input_weights, state_weights, bias = weights
        inputs = inputs.to(dtype)
        states = gate_inputs(inputs, input_weights, bias, dtype)
        product = StepProduct(state_weights, dtype, batch_size=len(state))
        before = state
        apply = _ACTIVATIONS[activation]
        for after in states.unbind(0):
            product.add_to(after, before)
            before = apply(after)
        ctx.save_for_backward(inputs, state, states, input_weights, state_weights)
        ctx.activation = activation
        return states.to(dtype, copy=True), states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, state, states, input_weights, state_weights = ctx.saved_tensors
        dtype = inputs.dtype
        slopes = _SLOPES[ctx.activation](states)
        product = StepProduct(state_weights.t(), dtype, batch_size=len(state))
        grads = state_gradients(grad_outputs, grad_last, states.dtype)
        grad = grads[-1]
        # Each entry of `grads` becomes the gradient of what enters the nonlinearity at its symbol.
        for before, slope in each_step_back(grads[:-1], slopes):
            grad = product.add_to(before, grad.mul_(slope))

        sums = grads[1:]
        grad_state_weights = state_gradient(sums, torch.cat((state[None], states[:-1])), dtype)
        grad_input_weights = state_gradient(sums, inputs, dtype)
        grad_inputs = (sums.to(dtype).flatten(0, 1) @ input_weights.to(dtype)).view(inputs.shape)
        return None, grad_inputs, grad, None, grad_input_weights, grad_state_weights, sums.sum((0, 1))
