import pytest
import torch
from torch import nn

from charlm.models.cells.gru import GRU
from charlm.models.cells.rnn import RNN
from charlm.models.cells.st_lstm import zigzag

LAYERS = [(GRU, nn.GRU, {}), (RNN, nn.RNN, {}), (RNN, nn.RNN, {"nonlinearity": "relu"})]


def pair(own, reference, settings, *, sizes=(3, 4), dtype=torch.float64):
    torch.manual_seed(1)
    layer = own(*sizes, **settings).to(dtype)
    other = reference(*sizes, **settings).to(dtype)
    other.load_state_dict(layer.state_dict())
    return layer, other


def everything(layer, inputs, state, weight_of_outputs):
    """Outputs, last state, and the gradients of inputs, first state and all parameters."""
    outputs, last = layer(inputs, state)
    loss = (outputs * weight_of_outputs).sum() + 3.0 * last.sum()
    return [outputs, last, *torch.autograd.grad(loss, [inputs, state, *layer.parameters()])]


@pytest.mark.parametrize(("own", "reference", "settings"), LAYERS)
@pytest.mark.parametrize(("time", "batch"), [(1, 1), (1, 5), (7, 1), (13, 2)])
def test_numbers_and_gradients_are_those_of_torch(own, reference, settings, time, batch):
    layer, other = pair(own, reference, settings)
    inputs = torch.randn(time, batch, 3, dtype=torch.float64, requires_grad=True)
    state = torch.randn(1, batch, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(time, batch, 4, dtype=torch.float64)
    for mine, theirs in zip(
        everything(layer, inputs, state, weights), everything(other, inputs, state, weights), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize(("own", "reference", "settings"), LAYERS[:2])
def test_the_gradient_is_that_of_finite_differences(own, reference, settings):
    layer, _ = pair(own, reference, settings)
    inputs = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    state = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def run(inputs, state, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (inputs, state))

    assert torch.autograd.gradcheck(run, (inputs, state, *layer.parameters()))


@pytest.mark.parametrize(("own", "reference", "settings"), LAYERS[:2])
@pytest.mark.parametrize("width", [16, 264])
def test_bfloat16_is_close_to_float32(own, reference, settings, width):
    layer, other = pair(own, reference, settings, sizes=(width, width), dtype=torch.float32)
    inputs = torch.randn(9, 4, width, requires_grad=True)
    state = torch.randn(1, 4, width, requires_grad=True)
    weights = torch.randn(9, 4, width)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, last = layer(inputs, state)
    assert outputs.dtype == torch.bfloat16
    loss = (outputs.float() * weights).sum() + 3.0 * last.sum()
    mine = [outputs.float(), last, *torch.autograd.grad(loss, [inputs, state, *layer.parameters()])]
    for got, expected in zip(mine, everything(other, inputs, state, weights), strict=True):
        assert got.dtype == torch.float32
        assert torch.linalg.vector_norm(got - expected) < 0.03 * torch.linalg.vector_norm(expected)


@pytest.mark.parametrize(("own", "reference", "settings"), LAYERS[:2])
def test_nothing_is_kept_for_a_gradient_that_is_not_asked_for(own, reference, settings):
    layer, other = pair(own, reference, settings)
    inputs, state = torch.randn(5, 2, 3, dtype=torch.float64), torch.zeros(1, 2, 4, dtype=torch.float64)
    with torch.inference_mode():
        outputs, last = layer(inputs, state)
        expected, expected_last = other(inputs, state)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(last, expected_last)


@pytest.mark.parametrize(("own", "reference", "settings"), LAYERS[:2])
def test_inputs_may_lie_in_memory_in_any_way(own, reference, settings):
    layer, other = pair(own, reference, settings)
    inputs = torch.randn(3, 6, 2, dtype=torch.float64).permute(1, 2, 0)
    state = torch.randn(2, 4, dtype=torch.float64).t().contiguous().t()[None]
    torch.testing.assert_close(layer(inputs, state), other(inputs, state))


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("masked", ["not", "once", "at every symbol"])
@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_gradients_through_the_zigzag(num_layers, masked, with_norm, residual):
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape):
        return (0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)).requires_grad_()

    def layers(*tensors):
        chunks = [tensors[place : place + 7] for place in range(0, len(tensors), 7)]
        return [each if with_norm else (*each[:5], None, None) for each in chunks]

    time, batch, units = 3, 2, 2
    inputs = drawn(time, batch, units)
    state = drawn(num_layers, batch, units), drawn(num_layers, batch, units), drawn(1, batch, units)
    parameters = [
        drawn(*shape) for _ in range(num_layers) for shape in ((14, 2), (8, 2), (6, 2), (4, 4), (14,), (2,), (2,))
    ]
    rows = {"not": 0, "once": 1, "at every symbol": time}[masked]
    masks = (
        [torch.rand(rows, batch, units, generator=generator).double() for _ in range(num_layers - 1)] if rows else []
    )

    def run(inputs, h, c, m, *parameters):
        outputs, last = zigzag(inputs, (h, c, m), layers(*parameters), masks, residual=residual)
        return outputs, *last

    if not with_norm:
        for number in range(num_layers):
            for tensor in parameters[7 * number + 5 : 7 * number + 7]:
                tensor.requires_grad_(False)
    assert torch.autograd.gradcheck(run, (inputs, *state, *parameters))
