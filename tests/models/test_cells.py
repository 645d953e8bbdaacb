"""Every cell against its equations, one symbol at a time, in float64; gradients against autograd's and differences."""

import pytest
import torch
from torch.nn import functional

from charlm import cells
from charlm.models.recurrent import RecurrentLanguageModel
from tests.support.memory import NATS_WITHOUT_MEMORY, NUM_SYMBOLS, train_where_memory_is_needed

CELLS = [(cell, "tanh") for cell in cells.standing_alone()] + [("rnn", "relu"), ("rnn", "sigmoid")]
HIDDEN = 4


def equations(layer, cell, nonlinearity, inputs, state):
    """The next state from one symbol's inputs `[batch, inputs]` and the state before, a tuple `[batch, hidden]`."""
    w, u, b = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0
    b2 = getattr(layer, "bias_hh_l0", torch.zeros_like(b))
    h = state[0]
    x = (inputs @ w.T + b).split(HIDDEN, dim=1)
    s = (h @ u.T + b2).split(HIDDEN, dim=1)
    sigmoid, tanh = torch.sigmoid, torch.tanh
    if cell == "lstm":
        i, f, g, o = (one + other for one, other in zip(x, s, strict=True))
        c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c
    if cell == "lstm-peephole":
        i, f, g, o = (one + other for one, other in zip(x, s, strict=True))
        to_i, to_f, to_o = layer.weight_peephole_l0
        c = sigmoid(f + to_f * state[1]) * state[1] + sigmoid(i + to_i * state[1]) * tanh(g)
        return sigmoid(o + to_o * c) * tanh(c), c
    if cell == "gru":
        r, z = sigmoid(x[0] + s[0]), sigmoid(x[1] + s[1])
        return ((1 - z) * tanh(x[2] + r * s[2]) + z * h,)
    if cell == "gru-reset-before":
        r, z = sigmoid(x[0] + s[0]), sigmoid(x[1] + s[1])
        return ((1 - z) * tanh(x[2] + (r * h) @ u[2 * HIDDEN :].T) + z * h,)
    if cell == "gru-simple":
        z = sigmoid(x[0] + s[0])
        return ((1 - z) * tanh(x[1] + s[1]) + z * h,)
    assert cell == "rnn"
    return ({"tanh": tanh, "relu": functional.relu, "sigmoid": sigmoid}[nonlinearity](x[0] + s[0]),)


def settings_of(cell, nonlinearity):
    return {"nonlinearity": nonlinearity} if "nonlinearity" in cells.CELLS[cell].settings else {}


def layer_of(cell, nonlinearity="tanh", *, hidden=HIDDEN, dtype=torch.float64):
    model = RecurrentLanguageModel(
        5, cell=cell, settings=settings_of(cell, nonlinearity), embedding_size=3, hidden_size=hidden, num_layers=1
    )
    layer = model.layers[0].to(dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return layer


def arguments(cell, *, time=6, batch=2, hidden=HIDDEN, dtype=torch.float64):
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(time, batch, 3, generator=generator, dtype=dtype).requires_grad_()
    states = [
        torch.randn(1, batch, hidden, generator=generator, dtype=dtype).requires_grad_()
        for _ in cells.CELLS[cell].states
    ]
    return inputs, states


def run(layer, inputs, states):
    outputs, after = layer(inputs, tuple(states) if len(states) > 1 else states[0])
    return outputs, *(after if len(states) > 1 else (after,))


def everything(results, variables):
    generator = torch.Generator().manual_seed(3)
    loss = sum((each * torch.randn(each.shape, generator=generator, dtype=each.dtype)).sum() for each in results)
    return [*results, *torch.autograd.grad(loss, variables)]


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
@pytest.mark.parametrize(("time", "batch"), [(1, 1), (6, 2)])
def test_numbers_and_gradients_are_those_of_the_equations(cell, nonlinearity, time, batch):
    layer = layer_of(cell, nonlinearity)
    inputs, states = arguments(cell, time=time, batch=batch)
    variables = [inputs, *states, *layer.parameters()]
    state, outputs = tuple(each[0] for each in states), []
    for row in inputs:
        state = equations(layer, cell, nonlinearity, row, state)
        outputs.append(state[0])
    expected = everything([torch.stack(outputs), *(each[None] for each in state)], variables)
    for got, wanted in zip(everything(run(layer, inputs, states), variables), expected, strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize(("cell", "nonlinearity"), [each for each in CELLS if each[0] != "lstm"])
def test_gradients_are_those_of_finite_differences(cell, nonlinearity):
    layer = layer_of(cell, nonlinearity)
    inputs, states = arguments(cell, time=3)
    names = [name for name, _ in layer.named_parameters()]

    def call(inputs, *rest):
        parameters = dict(zip(names, rest[len(states) :], strict=True))
        given = rest[: len(states)] if len(states) > 1 else rest[0]
        outputs, after = torch.func.functional_call(layer, parameters, (inputs, given))
        return outputs, *(after if len(states) > 1 else (after,))

    assert torch.autograd.gradcheck(call, (inputs, *states, *layer.parameters()))


@pytest.mark.parametrize("cell", ["lstm-peephole", "gru-reset-before", "gru-simple"])
@pytest.mark.parametrize("width", [16, 264])
def test_bfloat16_is_close_to_float32(cell, width):
    layer = layer_of(cell, hidden=width, dtype=torch.float32)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(2 / width**0.5)
    inputs, states = arguments(cell, time=9, batch=4, hidden=width, dtype=torch.float32)
    variables = [inputs, *states, *layer.parameters()]
    expected = everything(run(layer, inputs, states), variables)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        results = run(layer, inputs, states)
    assert results[0].dtype == torch.bfloat16
    for got, wanted in zip(everything([each.float() for each in results], variables), expected, strict=True):
        assert torch.linalg.vector_norm(got - wanted) < 0.04 * torch.linalg.vector_norm(wanted)


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_the_state_carries_a_text_over_windows(cell, nonlinearity):
    layer = layer_of(cell, nonlinearity)
    inputs, states = arguments(cell)
    whole = run(layer, inputs, states)
    first = run(layer, inputs[:4], states)
    second = run(layer, inputs[4:], list(first[1:]))
    torch.testing.assert_close(torch.cat([first[0], second[0]]), whole[0])
    for one, other in zip(second[1:], whole[1:], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_every_cell_learns_what_needs_memory(cell, nonlinearity):
    model = RecurrentLanguageModel(
        NUM_SYMBOLS,
        cell=cell,
        settings=settings_of(cell, nonlinearity),
        embedding_size=8,
        hidden_size=8,
        num_layers=2,
        residual=True,
    )
    model.initialize(torch.Generator().manual_seed(1))
    assert train_where_memory_is_needed(model) < 0.5 * NATS_WITHOUT_MEMORY
