"""The GRU with an update gate alone."""

from typing import Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from charlm.models.cells.layer import (
    WindowLayer,
    each_step,
    each_step_back,
    gate_inputs,
    state_gradient,
    state_gradients,
    window_gradients,
)
from charlm.models.cells.products import StepProduct


@final
class SimpleGRU(WindowLayer):
    """One layer of the simplified GRU, as courses introduce it before the reset gate (Ng 2018, after Cho et al. 2014).

    z = sigmoid(W_z x + U_z h + b_z)
    n = tanh(W_n x + U_n h + b_n)
    h' = (1 - z) * n + z * h

    It is the minimal gated unit of Zhou et al. (2016) with a candidate that sees the whole state. The products
    with the inputs are one for the whole window, forwards and backwards. Order of the gates: z, n.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=2, recurrence=_Recurrence)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        input_weights, state_weights, bias = weights
        inputs = inputs.to(dtype)
        gates = gate_inputs(inputs, input_weights, bias, dtype)
        states = gates.new_empty(len(gates) + 1, *state.shape)
        states[0] = state
        product = StepProduct(state_weights, dtype, batch_size=len(state))
        before = states[0]
        updates, candidates = gates.chunk(2, dim=2)
        for gate, update, candidate, after in each_step(gates, updates, candidates, states[1:]):
            product.add_to(gate, before)
            update.sigmoid_()
            candidate.tanh_()
            before = torch.lerp(candidate, before, update, out=after)
        ctx.save_for_backward(inputs, states, gates, input_weights, state_weights)
        return states[1:].to(dtype, copy=True), states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, gates, input_weights, state_weights = ctx.saved_tensors
        dtype = inputs.dtype
        time, batch, hidden = states[1:].shape
        updates, candidates = gates.view(time, batch, 2, hidden).unbind(2)
        # The gradient goes back through a step linearly; its factors are known before the first step.
        factors = torch.empty_like(gates)
        of_update, of_candidate = factors.view(time, batch, 2, hidden).unbind(2)
        torch.sub(states[:-1], candidates, out=of_update)
        of_update.mul_(updates).mul_(1.0 - updates)
        torch.mul(1.0 - candidates.square(), 1.0 - updates, out=of_candidate)

        product = StepProduct(state_weights.t(), dtype, batch_size=batch)
        grads = state_gradients(grad_outputs, grad_last, states.dtype)
        grad = grads[-1]
        # Each step's factors become the gradients of what entered its gates.
        by_gate = factors.view(time, batch, 2, hidden)
        for before, factor, flat, update in each_step_back(grads[:-1], by_gate, factors, updates):
            factor.mul_(grad[:, None])
            grad = product.add_to(before.addcmul_(grad, update), flat)

        grad_inputs, grad_input_weights, grad_bias = window_gradients(factors, inputs, input_weights)
        grad_state_weights = state_gradient(factors, states[:-1], dtype)
        return None, grad_inputs, grad, grad_input_weights, grad_state_weights, grad_bias
