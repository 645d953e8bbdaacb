"""A GRU layer for the CPU, where torch's own trains at less than half the speed of its LSTM."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlm.models.cells.layer import each_step, read_window, state_gradient, sum_rows, window_gradients
from charlm.models.cells.products import StepProduct

_FLOAT32_UP_TO = 128
"""Units up to which the steps' products stay in float32; measured (docs/experiments.md)."""


@final
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
        outputs, last = read_window(_Recurrence, inputs, (state,), *weights)
        return outputs, last


class _Recurrence(torch.autograd.Function):
    """The layer over a window.

    What the steps compute with stays in the weights' precision, in buffers small enough for the cache; what
    the window keeps is in that of the products, half the memory traffic in bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        input_weights, state_weights, input_bias, state_bias = weights
        time, batch, _ = inputs.shape
        hidden = state.shape[1]
        inputs = inputs.to(dtype)
        bias = input_bias.clone()
        bias[: 2 * hidden] += state_bias[: 2 * hidden]
        # [time, batch, r z n]: what the inputs add to each gate, until a step replaces it by the gates
        # r and z, and by the state's part of n.
        gates = functional.linear(inputs, input_weights.to(dtype), bias.to(dtype))
        candidate_inputs = gates[..., 2 * hidden :].to(state_weights.dtype, copy=True)
        gates[..., 2 * hidden :] = state_bias[2 * hidden :]
        candidates = torch.empty_like(candidate_inputs, dtype=dtype)
        states = torch.empty((time + 1, batch, hidden), dtype=dtype)
        states[0] = state
        product = StepProduct(state_weights, dtype, float32_up_to=_FLOAT32_UP_TO, batch_size=batch)
        state = state.to(state_weights.dtype, copy=True)
        before = states[0] if product.dtype == dtype else state
        gate = torch.empty((batch, 3 * hidden), dtype=state.dtype)
        reset_update, candidate_state = torch.split(gate, [2 * hidden, hidden], dim=1)
        reset, update = reset_update.chunk(2, dim=1)
        candidate = torch.empty_like(state)
        for kept_gate, kept_candidate, from_input, after in each_step(gates, candidates, candidate_inputs, states[1:]):
            product.add_to(gate.copy_(kept_gate), before)
            reset_update.sigmoid_()
            torch.addcmul(from_input, reset, candidate_state, out=candidate).tanh_()
            torch.lerp(candidate, state, update, out=state)
            after.copy_(state)
            before = after if product.dtype == dtype else state
            kept_gate.copy_(gate)
            kept_candidate.copy_(candidate)
        ctx.save_for_backward(inputs, states, gates, candidates, input_weights, state_weights)
        return states[1:], state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, gates, candidates, input_weights, state_weights = ctx.saved_tensors
        time, batch, hidden = candidates.shape
        resets, updates, candidate_states = gates.view(time, batch, 3, hidden).unbind(2)
        # The gradient goes back through a step linearly; its factors are known before the first step:
        # of what enters r, z and, by way of r, the state's part of n; and of what enters n.
        factors = torch.empty_like(gates).view(time, batch, 3, hidden)
        of_reset, of_update, of_candidate_state = factors.unbind(2)
        of_candidate = torch.ops.aten.tanh_backward(1.0 - updates, candidates)
        torch.mul(of_candidate, resets, out=of_candidate_state)
        torch.ops.aten.sigmoid_backward.grad_input(of_candidate * candidate_states, resets, grad_input=of_reset)
        torch.ops.aten.sigmoid_backward.grad_input(states[:-1] - candidates, updates, grad_input=of_update)

        # Each step's factors become its gradients.
        product = StepProduct(state_weights.t(), inputs.dtype, float32_up_to=_FLOAT32_UP_TO, batch_size=batch)
        grads = torch.empty_like(candidates)
        flat_factors = factors.view(time, batch, 3 * hidden)
        grad = grad_last + grad_outputs[-1]
        for step in reversed(range(time)):
            factors[step].mul_(grads[step].copy_(grad)[:, None])
            grad.mul_(updates[step])
            if step > 0:
                grad.add_(grad_outputs[step - 1])
            product.add_to(grad, flat_factors[step])

        grad_state_weights = state_gradient(flat_factors, states[:-1], inputs.dtype)
        grad_state_bias = sum_rows(flat_factors.flatten(0, 1))
        flat_factors[..., 2 * hidden :] = grads.mul_(of_candidate)
        grad_inputs, grad_input_weights, grad_input_bias = window_gradients(flat_factors, inputs, input_weights)
        parameters = (grad_input_weights, grad_state_weights, grad_input_bias, grad_state_bias)
        return None, grad_inputs, grad, *(each.to(state_weights.dtype) for each in parameters)
