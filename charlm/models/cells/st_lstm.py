"""All spatiotemporal LSTM layers over a window, symbol by symbol, from the lowest to the highest layer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from charlm.models.base import State
from charlm.models.cells.layer import gate_inputs, state_gradient, window_gradients
from charlm.models.cells.products import StepProduct, product_dtype

LayerTensors = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor | None]
"""The parameters of a layer; the order of their rows is in charlm/models/st_lstm.py.

For the inputs `[7 hidden, inputs]`, for the state `[4 hidden, hidden]`, for the shared memory `[3 hidden, hidden]`, for
both memories `[2 hidden, 2 hidden]`, the bias `[7 hidden]`, and weight and bias `[hidden]` of the LayerNorm after it;
None for none.
"""

_PARAMETERS = 7
"""Tensors of a layer."""


def zigzag(
    inputs: Tensor,
    state: tuple[Tensor, ...],
    layers: Sequence[LayerTensors],
    masks: Sequence[Tensor],
    *,
    residual: bool,
) -> tuple[Tensor, State]:
    """Returns the outputs of the highest layer, `[time, batch, hidden]`, and the state after the last symbol.

    Args:
        inputs: of the lowest layer, `[time, batch, inputs]`.
        state: h and c, `[layers, batch, hidden]`, and m, `[1, batch, hidden]`.
        masks: what the inputs of each layer but the lowest are multiplied by, `[time or 1, batch, hidden]`; or none.
        residual: add a layer's inputs to its outputs where both have the same size.
    """
    parameters = [tensor for layer in layers for tensor in layer]
    settings = (product_dtype(inputs), tuple(masks), residual)
    outputs, *last = _Zigzag.apply(inputs, *state, settings, *parameters)  # type: ignore[no-untyped-call]
    return outputs, tuple(last)


class _Layer:
    """The tensors of one layer that the backward pass needs.

    Attributes:
        gates: after their functions, `[time, batch, 7 hidden]`: i, f, g, o, and i, f, g of the shared memory.
        states: h before each symbol and after the last, `[time + 1, batch, hidden]`.
        memories: c and m after each symbol, side by side; before the first, c alone is there.
        shown: tanh of what the memories show, `[time, batch, hidden]`.
        inputs: `[time, batch, inputs]`.
        norms: for each symbol the sum that was normalised, its mean and the inverse of its deviation.
    """

    def __init__(self, gates: Tensor, inputs: Tensor, first: Tensor, memory: Tensor) -> None:
        time, batch, hidden = len(gates), *first.shape
        self.gates, self.inputs = gates, inputs
        self.states = first.new_empty(time + 1, batch, hidden)
        self.memories = first.new_empty(time + 1, batch, 2 * hidden)
        self.states[0], self.memories[0, :, :hidden] = first, memory
        self.shown = first.new_empty(time, batch, hidden)
        self.norms: list[tuple[Tensor, Tensor, Tensor]] = []


class _Zigzag(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        h: Tensor,
        c: Tensor,
        m: Tensor,
        settings: tuple[torch.dtype, tuple[Tensor, ...], bool],
        *parameters: Any,
    ) -> tuple[Tensor, ...]:
        dtype, masks, residual = settings
        time, batch, hidden = len(inputs), *h.shape[1:]
        tensors = [parameters[place : place + _PARAMETERS] for place in range(0, len(parameters), _PARAMETERS)]
        products = [_products(each, dtype, batch) for each in tensors]
        layers = []
        for index, (matrix, _, _, _, bias, _, _) in enumerate(tensors):
            if index == 0:
                gates, values = gate_inputs(inputs.to(dtype), matrix, bias, dtype), inputs
            else:
                gates, values = bias.repeat(time, batch, 1), h.new_empty(time, batch, hidden)
            layers.append(_Layer(gates, values, h[index], c[index]))
        outputs = h.new_empty(time, batch, hidden)
        shared = m[0]
        squeezed = h.new_empty(batch, 2 * hidden)
        for step in range(time):
            for index, layer in enumerate(layers):
                of_inputs, of_states, of_shared, of_memories = products[index]
                gates, values = layer.gates[step], layer.inputs[step]
                if index > 0:
                    of_inputs.add_to(gates, values)
                of_states.add_to(gates[:, : 4 * hidden], layer.states[step])
                of_shared.add_to(gates[:, 4 * hidden :], shared)
                gates[:, : 2 * hidden].sigmoid_()
                gates[:, 2 * hidden : 3 * hidden].tanh_()
                gates[:, 4 * hidden : 6 * hidden].sigmoid_()
                gates[:, 6 * hidden :].tanh_()
                i, f, g, o, i2, f2, g2 = gates.chunk(7, dim=1)
                memory, after = layer.memories[step + 1].chunk(2, dim=1)
                torch.mul(f, layer.memories[step, :, :hidden], out=memory).addcmul_(i, g)
                shared = torch.mul(f2, shared, out=after).addcmul_(i2, g2)
                seen, shown = of_memories.add_to(squeezed.zero_(), layer.memories[step + 1]).chunk(2, dim=1)
                o.add_(seen).sigmoid_()
                torch.mul(o, torch.tanh(shown, out=layer.shown[step]), out=layer.states[step + 1])
                result = layer.states[step + 1]
                if residual and values.shape == result.shape:
                    result = result + values
                weight, offset = tensors[index][5:]
                if weight is not None:
                    total = result
                    result, mean, deviation = torch.native_layer_norm(total, [hidden], weight, offset, _EPSILON)
                    layer.norms.append((total, mean, deviation))
                if index + 1 == len(layers):
                    outputs[step] = result
                elif masks:
                    torch.mul(result, masks[index][step % len(masks[index])], out=layers[index + 1].inputs[step])
                else:
                    layers[index + 1].inputs[step] = result
        ctx.layers, ctx.settings, ctx.first_shared = layers, settings, m[0]
        ctx.save_for_backward(*parameters)
        last_h = torch.stack([layer.states[-1] for layer in layers])
        last_c = torch.stack([layer.memories[-1, :, :hidden] for layer in layers])
        return outputs, last_h, last_c, shared[None].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_outputs: Tensor, grad_h: Tensor, grad_c: Tensor, grad_m: Tensor
    ) -> tuple[Tensor | None, ...]:
        layers, (dtype, masks, residual), parameters = ctx.layers, ctx.settings, ctx.saved_tensors
        time, batch, hidden = grad_outputs.shape
        tensors = [parameters[place : place + _PARAMETERS] for place in range(0, len(parameters), _PARAMETERS)]
        products = [_products(each, dtype, batch, transposed=True) for each in tensors]
        befores = [_shared_before(layers, index, ctx.first_shared) for index in range(len(layers))]
        # The gradient goes back through a step linearly; its factors are known before the first step.
        factors = [_factors(layer, before) for layer, before in zip(layers, befores, strict=True)]
        memory_grads = [grad_outputs.new_empty(time, batch, 2 * hidden) for _ in layers]
        norm_grads = [[torch.zeros_like(each) for each in layer[5:] if each is not None] for layer in tensors]
        grads_h = [each.clone() for each in grad_h]
        both = [torch.cat((each, torch.zeros_like(each)), dim=1) for each in grad_c]
        grad_inputs = torch.zeros_like(layers[0].inputs)
        grad_shared = grad_m[0].clone()
        for step in reversed(range(time)):
            grad = grad_outputs[step]
            for index in reversed(range(len(layers))):
                layer, (gate_factors, shown_factors) = layers[index], factors[index]
                of_inputs, of_states, of_shared, of_memories = products[index]
                weight, offset = tensors[index][5:]
                if weight is not None:
                    grad, *of_norm = torch.ops.aten.native_layer_norm_backward(
                        grad.contiguous(),
                        layer.norms[step][0],
                        [hidden],
                        *layer.norms[step][1:],
                        weight,
                        offset,
                        [True] * 3,
                    )
                    for kept, more in zip(norm_grads[index], of_norm, strict=True):
                        kept.add_(more)
                is_added = residual and layer.inputs.shape[-1] == hidden
                grad_values = grad.clone() if is_added else torch.zeros_like(layer.inputs[step])
                grad_state = grads_h[index].add_(grad)
                gates = gate_factors[step]
                own, common = gates[:, : 4 * hidden], gates[:, 4 * hidden :]
                of_memory = memory_grads[index][step]
                of_memory[:, :hidden] = own[:, 3 * hidden :].mul_(grad_state)
                torch.mul(grad_state, shown_factors[step], out=of_memory[:, hidden:])
                both[index][:, hidden:] = grad_shared
                grad_memory, grad_shared = of_memories.add_to(both[index], of_memory).chunk(2, dim=1)
                own.view(batch, 4, hidden)[:, :3].mul_(grad_memory[:, None])
                common.view(batch, 3, hidden).mul_(grad_shared[:, None])
                grad_memory.mul_(layer.gates[step, :, hidden : 2 * hidden])
                grad_shared = grad_shared * layer.gates[step, :, 5 * hidden : 6 * hidden]
                grads_h[index] = of_states.add_to(grad_state.zero_(), own)
                grad_shared = of_shared.add_to(grad_shared, common)
                if index > 0:
                    grad = of_inputs.add_to(grad_values, gates)
                    if masks:
                        grad = grad * masks[index - 1][step % len(masks[index - 1])]
                elif is_added:
                    grad_inputs[step] = grad_values
        parameter_grads: list[Tensor | None] = []
        for index, layer in enumerate(layers):
            gates = factors[index][0]
            into_inputs, of_matrix, of_bias = window_gradients(gates, layer.inputs.to(dtype), tensors[index][0])
            if index == 0:
                grad_inputs += into_inputs
            own, common = gates[..., : 4 * hidden], gates[..., 4 * hidden :]
            parameter_grads += [
                of_matrix,
                state_gradient(own, layer.states[:-1], dtype),
                state_gradient(common, befores[index], dtype),
                state_gradient(memory_grads[index], layer.memories[1:], dtype),
                of_bias,
                *(norm_grads[index] or (None, None)),
            ]
        first_c = torch.stack([each[:, :hidden] for each in both])
        return grad_inputs, torch.stack(grads_h), first_c, grad_shared[None], None, *parameter_grads


_EPSILON = 1e-5
"""Of LayerNorm, as torch has it."""


def _products(
    tensors: Sequence[Any], dtype: torch.dtype, batch: int, *, transposed: bool = False
) -> tuple[StepProduct, ...]:
    matrices = tensors[:4]
    return tuple(StepProduct(each.t() if transposed else each, dtype, batch_size=batch) for each in matrices)


def _shared_before(layers: Sequence[_Layer], index: int, first: Tensor) -> Tensor:
    """Returns the shared memory that enters a layer at each symbol, `[time, batch, hidden]`."""
    hidden = first.shape[1]
    if index > 0:
        return layers[index - 1].memories[1:, :, hidden:]
    return torch.cat((first[None], layers[-1].memories[1:-1, :, hidden:]))


def _factors(layer: _Layer, shared_before: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the factors from the gradients of c, h and m to those of each gate, and from h to `shown`."""
    hidden = layer.states.shape[2]
    i, f, g, o, i2, f2, g2 = layer.gates.chunk(7, dim=2)
    factors = torch.empty_like(layer.gates)
    of_i, of_f, of_g, of_o, of_i2, of_f2, of_g2 = factors.chunk(7, dim=2)
    torch.mul(i * (1.0 - i), g, out=of_i)
    torch.mul(f * (1.0 - f), layer.memories[:-1, :, :hidden], out=of_f)
    torch.mul(i, 1.0 - g.square(), out=of_g)
    torch.mul(o * (1.0 - o), layer.shown, out=of_o)
    torch.mul(i2 * (1.0 - i2), g2, out=of_i2)
    torch.mul(f2 * (1.0 - f2), shared_before, out=of_f2)
    torch.mul(i2, 1.0 - g2.square(), out=of_g2)
    return factors, o * (1.0 - layer.shown.square())
