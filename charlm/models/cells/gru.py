"""A GRU layer for the CPU, where torch's own trains at less than half the speed of its LSTM."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlm.models.cells.gru_steps import read_steps, return_steps
from charlm.models.cells.layer import read_window, state_gradient, sum_by_symbol, sum_rows, window_gradients
from charlm.models.cells.products import StepProduct
from charlm.models.cells.scripted import scripted

_FLOAT32_UP_TO = 64
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

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        # Here, as groups of lanes would do it at the same time, on threads of theirs.
        scripted(read_steps)
        scripted(return_steps)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Returns the outputs `[time, batch, hidden]` and the last state `[1, batch, hidden]`."""
        if inputs.device.type != "cpu":
            outputs, last = super().forward(inputs, state)
            return outputs, last
        return self._read(inputs, state, symbols=None)

    def read_symbols(self, symbols: Tensor, embedding: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what `forward` returns for the embeddings of symbols, on a CPU, with fewer products.

        What the inputs add to the gates is computed once for each symbol of the vocabulary, not for each in the window.

        Args:
            symbols: `[time, batch]`.
            embedding: `[vocabulary, inputs]`.
        """
        return self._read(embedding[:, None], state, symbols=symbols)

    def _read(self, inputs: Tensor, state: Tensor, *, symbols: Tensor | None) -> tuple[Tensor, Tensor]:
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0)
        outputs, last = read_window(_Recurrence, inputs, (state,), symbols, *weights)
        return outputs, last


class _Recurrence(torch.autograd.Function):
    """The layer over a window, of inputs `[time, batch, inputs]`, or of symbols whose embeddings are the inputs.

    What the steps compute with stays in the weights' precision, in buffers small enough for the cache; what
    the window keeps is in that of the products, half the memory traffic in bfloat16.
    """

    @staticmethod
    def forward(
        ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, symbols: Tensor | None, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        input_weights, state_weights, input_bias, state_bias = weights
        hidden = state.shape[1]
        inputs = inputs.to(dtype)
        bias = input_bias.clone()
        bias[: 2 * hidden] += state_bias[: 2 * hidden]
        # [time, batch, r z n]: what the inputs add to each gate, until a step replaces it by the gates
        # r and z, and by the state's part of n.
        gates = functional.linear(inputs, input_weights.to(dtype), bias.to(dtype))
        doubled_inputs = gates[..., 2 * hidden :].to(state_weights.dtype, copy=True).mul_(2.0)
        # Converted first: a copy that converts a row again for every symbol takes twenty times as long.
        gates[..., 2 * hidden :] = state_bias[2 * hidden :].to(dtype)
        if symbols is not None:
            gates, doubled_inputs = (functional.embedding(symbols, each[:, 0]) for each in (gates, doubled_inputs))
        time, batch, _ = gates.shape
        candidates = torch.empty_like(doubled_inputs, dtype=dtype)
        states = torch.empty((time + 1, batch, hidden), dtype=dtype)
        states[0] = state
        product = StepProduct(state_weights, dtype, float32_up_to=_FLOAT32_UP_TO, batch_size=batch)
        state = state.to(state_weights.dtype, copy=True)
        read = scripted(read_steps)
        state = read(gates, doubled_inputs, candidates, states, state, product.matrix, product.is_packed)
        ctx.save_for_backward(inputs, symbols, states, gates, candidates, input_weights, state_weights)
        return states[1:], state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        inputs, symbols, states, gates, candidates, input_weights, state_weights = ctx.saved_tensors
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

        product = StepProduct(state_weights.t(), inputs.dtype, float32_up_to=_FLOAT32_UP_TO, batch_size=batch)
        grads = torch.empty_like(candidates)
        flat_factors = factors.view(time, batch, 3 * hidden)
        # Each step's factors become its gradients.
        grad = grad_last + grad_outputs[-1]
        come_back = scripted(return_steps)
        grad = come_back(factors, grads, updates, grad_outputs, grad, product.matrix, product.is_packed)

        grad_state_weights = state_gradient(flat_factors, states[:-1], inputs.dtype)
        grad_candidate_bias = sum_rows(flat_factors[..., 2 * hidden :].flatten(0, 1))
        flat_factors[..., 2 * hidden :] = grads.mul_(of_candidate)
        if symbols is not None:
            flat_factors = sum_by_symbol(flat_factors, symbols, num_symbols=len(inputs))[:, None]
        grad_inputs, grad_input_weights, grad_input_bias = window_gradients(flat_factors, inputs, input_weights)
        grad_state_bias = torch.cat([grad_input_bias[: 2 * hidden], grad_candidate_bias.to(grad_input_bias.dtype)])
        parameters = (grad_input_weights, grad_state_weights, grad_input_bias, grad_state_bias)
        return None, grad_inputs, grad, None, *(each.to(state_weights.dtype) for each in parameters)
