"""The GRU as first published: the reset gate acts on the state before the product."""

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
class ResetBeforeGRU(WindowLayer):
    """One GRU layer with the equations of Cho et al. (2014).

    r = sigmoid(W_r x + U_r h + b_r)
    z = sigmoid(W_z x + U_z h + b_z)
    n = tanh(W_n x + U_n (r * h) + b_n)
    h' = (1 - z) * n + z * h

    Order of the gates: r, z, n, as in torch, whose own GRU applies r to the product U_n h instead. A step has
    two products, because the second one's input is known only after the first.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3, recurrence=_Recurrence)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        input_weights, state_weights, bias = weights
        inputs = inputs.to(dtype)
        batch, hidden = state.shape
        gates = gate_inputs(inputs, input_weights, bias, dtype)
        states = gates.new_empty(len(gates) + 1, batch, hidden)
        states[0] = state
        remembered = torch.empty_like(states[1:])
        of_gates, of_candidate = torch.split(state_weights, [2 * hidden, hidden])
        gate_product = StepProduct(of_gates, dtype, batch_size=batch)
        candidate_product = StepProduct(of_candidate, dtype, batch_size=batch)
        before = states[0]
        both = gates[..., : 2 * hidden]
        for reset_update, reset, update, candidate, kept, after in each_step(
            both, *gates.chunk(3, dim=2), remembered, states[1:]
        ):
            gate_product.add_to(reset_update, before)
            reset_update.sigmoid_()
            candidate_product.add_to(candidate, torch.mul(reset, before, out=kept))
            candidate.tanh_()
            before = torch.lerp(candidate, before, update, out=after)
        ctx.save_for_backward(inputs, states, remembered, gates, input_weights, state_weights)
        return states[1:].to(dtype, copy=True), states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, remembered, gates, input_weights, state_weights = ctx.saved_tensors
        dtype = inputs.dtype
        time, batch, hidden = remembered.shape
        resets, updates, candidates = gates.view(time, batch, 3, hidden).unbind(2)
        # The gradient goes back through a step linearly; its factors are known before the first step: of what
        # enters r, by way of the state it lets through, and of what enters z and n.
        factors = torch.empty_like(gates)
        of_reset, of_update, of_candidate = factors.view(time, batch, 3, hidden).unbind(2)
        torch.mul(states[:-1], resets * (1.0 - resets), out=of_reset)
        torch.sub(states[:-1], candidates, out=of_update)
        of_update.mul_(updates).mul_(1.0 - updates)
        torch.mul(1.0 - candidates.square(), 1.0 - updates, out=of_candidate)

        gate_weights, candidate_weights = torch.split(state_weights, [2 * hidden, hidden])
        gate_product = StepProduct(gate_weights.t(), dtype, batch_size=batch)
        candidate_product = StepProduct(candidate_weights.t(), dtype, batch_size=batch)
        grads = state_gradients(grad_outputs, grad_last, states.dtype)
        grad = grads[-1]
        by_gate = factors.view(time, batch, 3, hidden)
        of_both = factors[..., : 2 * hidden]
        # Each step's factors become the gradients of what entered its gates.
        for before, reset_update, last_two, reset_factor, candidate, reset, update in each_step_back(
            grads[:-1], of_both, by_gate[:, :, 1:], of_reset, of_candidate, resets, updates
        ):
            last_two.mul_(grad[:, None])
            through = candidate_product.add_to(torch.zeros_like(grad), candidate)
            reset_factor.mul_(through)
            before.addcmul_(grad, update).addcmul_(through, reset)
            grad = gate_product.add_to(before, reset_update)

        grad_inputs, grad_input_weights, grad_bias = window_gradients(factors, inputs, input_weights)
        of_gates = state_gradient(of_both, states[:-1], dtype)
        of_candidates = state_gradient(factors[..., 2 * hidden :], remembered, dtype)
        return None, grad_inputs, grad, grad_input_weights, torch.cat((of_gates, of_candidates)), grad_bias
