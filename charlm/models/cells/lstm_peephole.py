"""The LSTM whose gates see the memory."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from charlm.models.cells.layer import (
    RecurrentLayer,
    each_step,
    each_step_back,
    gate_inputs,
    read_window,
    state_gradient,
    state_gradients,
    window_gradients,
)
from charlm.models.cells.products import StepProduct


@final
class PeepholeLSTM(RecurrentLayer):
    """One LSTM layer with peephole connections (Gers and Schmidhuber 2000, in the form of Graves 2013).

    i = sigmoid(W_i x + U_i h + p_i * c + b_i)
    f = sigmoid(W_f x + U_f h + p_f * c + b_f)
    g = tanh(W_g x + U_g h + b_g)
    c' = f * c + i * g
    o = sigmoid(W_o x + U_o h + p_o * c' + b_o)
    h' = o * tanh(c')

    The peepholes p are vectors: each gate sees its own unit's memory. Order of the gates: i, f, g, o, as in
    torch; of the peepholes: i, f, o.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=4)
        self.weight_peephole_l0 = nn.Parameter(torch.zeros(3, hidden_size))

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns the outputs `[time, batch, hidden]` and the last h and c `[1, batch, hidden]`."""
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.weight_peephole_l0)
        outputs, last, memory = read_window(_Recurrence, inputs, state, *weights)
        return outputs, (last, memory)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, dtype: torch.dtype, inputs: Tensor, state: Tensor, memory: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        input_weights, state_weights, bias, peepholes = weights
        inputs = inputs.to(dtype)
        batch, hidden = state.shape
        gates = gate_inputs(inputs, input_weights, bias, dtype)
        blocks = gates.view(len(gates), batch, 4, hidden)
        states, memories = (gates.new_empty(len(gates) + 1, batch, hidden) for _ in range(2))
        states[0], memories[0] = state, memory
        squashed = torch.empty_like(states[1:])
        product = StepProduct(state_weights, dtype, batch_size=batch)
        of_input_forget, of_output = peepholes[:2], peepholes[2]
        for flat, block, before, last, after, now, tanh in each_step(
            gates, blocks, memories[:-1], states[:-1], memories[1:], states[1:], squashed
        ):
            product.add_to(flat, last)
            input_forget, candidate, output = block[:, :2], block[:, 2], block[:, 3]
            input_forget.addcmul_(before[:, None], of_input_forget).sigmoid_()
            candidate.tanh_()
            torch.mul(before, block[:, 1], out=after).addcmul_(block[:, 0], candidate)
            output.addcmul_(after, of_output).sigmoid_()
            torch.mul(output, torch.tanh(after, out=tanh), out=now)
        ctx.save_for_backward(inputs, states, memories, squashed, gates, input_weights, state_weights, peepholes)
        return states[1:].to(dtype, copy=True), states[-1].clone(), memories[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor, grad_last: Tensor, grad_memory: Tensor) -> tuple[Tensor | None, ...]:
        inputs, states, memories, squashed, gates, input_weights, state_weights, peepholes = ctx.saved_tensors
        dtype = inputs.dtype
        time, batch, hidden = squashed.shape
        input_gates, forget_gates, candidates, output_gates = gates.view(time, batch, 4, hidden).unbind(2)
        # The gradient goes back through a step linearly; its factors are known before the first step. What comes
        # from h reaches o and, by way of c', the other three; they hang on what c' gets in all.
        factors = torch.empty_like(gates)
        of_input, of_forget, of_candidate, of_output_gate = factors.view(time, batch, 4, hidden).unbind(2)
        torch.mul(input_gates * (1.0 - input_gates), candidates, out=of_input)
        torch.mul(forget_gates * (1.0 - forget_gates), memories[:-1], out=of_forget)
        torch.mul(input_gates, 1.0 - candidates.square(), out=of_candidate)
        torch.mul(output_gates * (1.0 - output_gates), squashed, out=of_output_gate)
        to_memory = torch.mul(output_gates, 1.0 - squashed.square()).addcmul_(of_output_gate, peepholes[2])
        to_before = forget_gates + of_input * peepholes[0] + of_forget * peepholes[1]

        product = StepProduct(state_weights.t(), dtype, batch_size=batch)
        grads = state_gradients(grad_outputs, grad_last, states.dtype)
        grad = grads[-1]
        grad_memory = grad_memory.clone()
        first_three = factors.view(time, batch, 4, hidden)[:, :, :3]
        # Each step's factors become the gradients of what entered its gates.
        for before, three, output_gate, flat, of_memory, of_before in each_step_back(
            grads[:-1], first_three, of_output_gate, factors, to_memory, to_before
        ):
            grad_memory.addcmul_(grad, of_memory)
            three.mul_(grad_memory[:, None])
            output_gate.mul_(grad)
            grad_memory.mul_(of_before)
            grad = product.add_to(before, flat)

        grad_inputs, grad_input_weights, grad_bias = window_gradients(factors, inputs, input_weights)
        seen = ((of_input, memories[:-1]), (of_forget, memories[:-1]), (of_output_gate, memories[1:]))
        grad_peepholes = torch.stack([(of_gate * memory).sum((0, 1)) for of_gate, memory in seen])
        grad_state_weights = state_gradient(factors, states[:-1], dtype)
        parameters = (grad_input_weights, grad_state_weights, grad_bias, grad_peepholes)
        return None, grad_inputs, grad, grad_memory, *parameters
