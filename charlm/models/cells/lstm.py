"""The LSTM layer: torch's own, or for wide layers in bfloat16 on a CPU one whose matrices are packed once a window."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from charlm.models.cells.layer import read_window, state_gradient, window_gradients
from charlm.models.cells.lstm_steps import read_steps, return_steps
from charlm.models.cells.products import StepProduct, can_pack, product_dtype
from charlm.models.cells.scripted import scripted

_OWN_FROM, _OWN_FROM_SHARED = 448, 640
"""Units from which torch's layer, in bfloat16, is slower than this one: on one thread of two that compute groups of
lanes, whose caches do not hold the weights, and on threads that share products; measured (docs/experiments.md)."""


@final
class LSTM(nn.LSTM):
    """One LSTM layer (Hochreiter and Schmidhuber 1997, forget gates by Gers et al. 2000) with torch's parameters.

    i = sigmoid(W_i x + b_i + U_i h + d_i)
    f = sigmoid(W_f x + b_f + U_f h + d_f)
    g = tanh(W_g x + b_g + U_g h + d_g)
    o = sigmoid(W_o x + b_o + U_o h + d_o)
    c' = f * c + i * g
    h' = o * tanh(c')

    Order of the gates: i, f, g, o.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        if hidden_size >= _OWN_FROM and can_pack(torch.device("cpu")):
            # Here, as groups of lanes would do it at the same time, on threads of theirs.
            scripted(read_steps)
            scripted(return_steps)

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns the outputs `[time, batch, hidden]` and the last h and c `[1, batch, hidden]`."""
        if not self._is_own(inputs):
            outputs, last = super().forward(inputs, state)
            return outputs, last
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0)
        outputs, last_state, last_cell = read_window(_Recurrence, inputs, state, *weights)
        return outputs, (last_state, last_cell)

    def _is_own(self, inputs: Tensor) -> bool:
        own_from = _OWN_FROM if torch.get_num_threads() == 1 else _OWN_FROM_SHARED
        if self.hidden_size < own_from or product_dtype(inputs) != torch.bfloat16:
            return False
        # Processors with AMX were not measured; for narrower layers torch's is by far the fastest there.
        return can_pack(inputs.device) and not torch.cpu._is_amx_tile_supported()


class _Recurrence(torch.autograd.Function):
    """The layer over a window, in bfloat16.

    What the steps compute with stays in the weights' precision; what the window keeps is in that of the products.
    """

    @staticmethod
    def forward(
        ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, cell: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        input_weights, state_weights, input_bias, state_bias = weights
        inputs = inputs.to(dtype)
        hidden = state.shape[1]
        candidates = slice(2 * hidden, 3 * hidden)
        gates = functional.linear(inputs, input_weights.to(dtype), (input_bias + state_bias).to(dtype))
        # Powers of two are exact.
        gates[..., candidates] *= 2.0
        doubled_weights = state_weights.to(dtype, copy=True)
        doubled_weights[candidates] *= 2.0
        time, batch, _ = gates.shape
        states = torch.empty((time + 1, batch, hidden), dtype=dtype)
        cells = torch.empty((time + 1, batch, hidden), dtype=state_weights.dtype)
        states[0], cells[0] = state, cell
        squashed = torch.empty_like(states[1:])
        product = StepProduct(doubled_weights, dtype, float32_up_to=0, batch_size=batch)
        last = scripted(read_steps)(gates, states, cells, squashed, product.matrix)
        ctx.save_for_backward(inputs, states, cells, squashed, gates, input_weights, state_weights)
        return states[1:], last, cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor, grad_cell: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, cells, squashed, gates, input_weights, state_weights = ctx.saved_tensors
        time, batch, hidden = squashed.shape
        blocks = gates.view(time, batch, 4, hidden)
        input_gates, forget_gates, halves, output_gates = blocks.unbind(2)
        candidates = halves * 2.0 - 1.0
        # The gradient goes back through a step linearly; its factors are known before the first step.
        factors = torch.empty_like(blocks)
        of_input, of_forget, of_candidate, of_output = factors.unbind(2)
        torch.ops.aten.sigmoid_backward.grad_input(candidates, input_gates, grad_input=of_input)
        torch.ops.aten.sigmoid_backward.grad_input(cells[:-1].to(gates.dtype), forget_gates, grad_input=of_forget)
        torch.ops.aten.tanh_backward.grad_input(input_gates, candidates, grad_input=of_candidate)
        torch.ops.aten.sigmoid_backward.grad_input(squashed, output_gates, grad_input=of_output)
        to_cells = torch.ops.aten.tanh_backward(output_gates, squashed).to(cells.dtype)

        product = StepProduct(state_weights.t(), inputs.dtype, float32_up_to=0, batch_size=batch)
        grad, grad_cell = grad_last + grad_outputs[-1], grad_cell.clone()
        forgets = forget_gates.to(cells.dtype)
        grad = scripted(return_steps)(factors, to_cells, forgets, grad_outputs, grad, grad_cell, product.matrix)

        flat = factors.view(time, batch, 4 * hidden)
        grad_state_weights = state_gradient(flat, states[:-1], inputs.dtype)
        grad_inputs, grad_input_weights, grad_bias = window_gradients(flat, inputs, input_weights)
        parameters = (grad_input_weights, grad_state_weights, grad_bias, grad_bias)
        return None, grad_inputs, grad, grad_cell, *(each.to(state_weights.dtype) for each in parameters)
