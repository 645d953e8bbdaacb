"""A GRU layer for the CPU, where torch's own trains at less than half the speed of its LSTM."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlm.models.kernels.products import StepProduct, product_dtype


class GRU(nn.GRU):
    """One GRU layer (Cho et al. 2014) with the parameters and the equations of `torch.nn.GRU`.

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
        h' = (1 - z) * n + z * h

    On a CPU the products with the inputs are one for the whole window, forwards and backwards; only the
    products with the state are left to the steps. Elsewhere torch's kernel runs.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Returns the outputs `[time, batch, hidden]` and the last state `[1, batch, hidden]`."""
        if inputs.device.type != "cpu":
            outputs, last = super().forward(inputs, state)
            return outputs, last
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0)
        outputs, last = _Recurrence.apply(inputs, state[0], *weights, product_dtype(inputs))  # type: ignore[no-untyped-call]
        return outputs, last[None]


class _Recurrence(torch.autograd.Function):
    """The layer over a window; the state stays in the weights' precision whatever the products use."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        state: Tensor,
        input_weights: Tensor,
        state_weights: Tensor,
        input_bias: Tensor,
        state_bias: Tensor,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        time, batch, _ = inputs.shape
        hidden = state.shape[1]
        inputs = inputs.to(dtype)
        bias = input_bias.clone()
        bias[: 2 * hidden] += state_bias[: 2 * hidden]
        # [time, batch, r z n]: what the inputs add to each gate.
        gates = functional.linear(inputs, input_weights.to(dtype), bias.to(dtype)).to(state.dtype)
        candidate_inputs = gates[..., 2 * hidden :].clone()
        gates[..., 2 * hidden :] = state_bias[2 * hidden :]
        candidates = torch.empty_like(candidate_inputs)
        states = torch.empty((time + 1, batch, hidden), dtype=state.dtype)
        states[0] = state
        product = StepProduct(state_weights.t(), dtype)
        resets, updates, candidate_states = gates.view(time, batch, 3, hidden).unbind(2)
        before = states[0]
        for gate, reset_update, reset, update, from_state, from_input, candidate, after in zip(
            gates.unbind(0),
            gates[..., : 2 * hidden].unbind(0),
            resets.unbind(0),
            updates.unbind(0),
            candidate_states.unbind(0),
            candidate_inputs.unbind(0),
            candidates.unbind(0),
            states[1:].unbind(0),
            strict=True,
        ):
            product.add_to(gate, before)
            reset_update.sigmoid_()
            torch.addcmul(from_input, reset, from_state, out=candidate).tanh_()
            before = torch.lerp(candidate, before, update, out=after)
        ctx.save_for_backward(inputs, states, gates, candidates, input_weights, state_weights)
        return states[1:].to(dtype, copy=True), states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, gates, candidates, input_weights, state_weights = ctx.saved_tensors
        time, batch, hidden = candidates.shape
        dtype = inputs.dtype
        resets, updates, candidate_states = gates.view(time, batch, 3, hidden).unbind(2)
        # The gradient goes back through a step linearly; its factors are known before the first step:
        # of what enters r, z and, by way of r, the state's part of n; and of what enters n.
        factors = torch.empty((time, batch, 3, hidden), dtype=states.dtype)
        of_reset, of_update, of_candidate_state = factors.unbind(2)
        of_candidate = (1.0 - candidates.square()).mul_(1.0 - updates)
        torch.mul(of_candidate, resets, out=of_candidate_state)
        torch.mul(of_candidate_state, candidate_states, out=of_reset)
        of_reset.mul_(1.0 - resets)
        torch.sub(states[:-1], candidates, out=of_update)
        of_update.mul_(updates).mul_(1.0 - updates)

        product = StepProduct(state_weights, dtype)
        grad_gates = torch.empty_like(factors)
        grads = grad_outputs.to(states.dtype, copy=True)
        grad_first = torch.zeros_like(states[0])
        grad = grads[-1].add_(grad_last)
        for before, factor, grad_gate, flat, update in zip(
            [grad_first, *grads[:-1].unbind(0)][::-1],
            factors.unbind(0)[::-1],
            grad_gates.unbind(0)[::-1],
            grad_gates.view(time, batch, 3 * hidden).unbind(0)[::-1],
            updates.unbind(0)[::-1],
            strict=True,
        ):
            torch.mul(grad[:, None], factor, out=grad_gate)
            grad = product.add_to(before.addcmul_(grad, update), flat)

        flat_states = states[:-1].to(dtype).flatten(0, 1)
        from_state = grad_gates.to(dtype).view(time * batch, 3 * hidden)
        grad_state_weights = (from_state.t() @ flat_states).to(states.dtype)
        grad_state_bias = _sum_rows(from_state).to(states.dtype)
        from_state[:, 2 * hidden :] = grads.mul_(of_candidate).view(time * batch, hidden)
        grad_input_weights = (from_state.t() @ inputs.flatten(0, 1)).to(states.dtype)
        grad_input_bias = _sum_rows(from_state).to(states.dtype)
        grad_inputs = (from_state @ input_weights.to(dtype)).view(time, batch, -1)
        return grad_inputs, grad_first, grad_input_weights, grad_state_weights, grad_input_bias, grad_state_bias, None


def _sum_rows(matrix: Tensor) -> Tensor:
    # A product: summing over the first axis is slower by far in bfloat16, and coarser.
    return (matrix.new_ones(1, len(matrix)) @ matrix)[0]
