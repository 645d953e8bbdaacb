"""The LSTM layer for wide layers on CPUs with bfloat16, against torch's own in float32."""

import pytest
import torch
from torch import nn

from charlm.models.cells import lstm
from charlm.models.cells.lstm import LSTM
from charlm.models.cells.lstm_steps import read_steps, return_steps
from charlm.models.cells.products import StepProduct, can_pack
from charlm.models.cells.scripted import scripted
from charlm.models.threads import using_threads

TIME, BATCH = 9, 4

pytestmark = pytest.mark.skipif(not can_pack(torch.device("cpu")), reason="needs a processor that computes in bfloat16")


@pytest.fixture(autouse=True)
def _without_amx(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)


def everything(layer, inputs, state, weights):
    """Outputs, last states, and the gradients of inputs, first states and all parameters."""
    outputs, last = layer(inputs, state)
    loss = (outputs.float() * weights).sum() + 3.0 * last[0].sum() + 2.0 * last[1].sum()
    return [outputs.float(), *last, *torch.autograd.grad(loss, [inputs, *state, *layer.parameters()])]


def drawn(width, *, inputs=24):
    torch.manual_seed(1)
    layer = LSTM(inputs, width)
    state = tuple(torch.randn(1, BATCH, width, requires_grad=True) for _ in range(2))
    return layer, torch.randn(TIME, BATCH, inputs, requires_grad=True), state, torch.randn(TIME, BATCH, width)


@pytest.mark.parametrize("width", [32, lstm._OWN_FROM + 8])
def test_numbers_and_gradients_are_close_to_torchs_in_float32(width, monkeypatch):
    monkeypatch.setattr(lstm, "_OWN_FROM", 32)
    monkeypatch.setattr(lstm, "_OWN_FROM_SHARED", 32)
    layer, inputs, state, weights = drawn(width)
    expected = everything(layer, inputs, state, weights)
    reference = nn.LSTM(24, width)
    reference.load_state_dict(layer.state_dict())
    for one, other in zip(expected, everything(reference, inputs, state, weights), strict=True):
        assert torch.equal(one, other)  # Without autocast it is torch's own.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = everything(layer, inputs, state, weights)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == torch.float32
        assert torch.linalg.vector_norm(one - other) < 0.02 * torch.linalg.vector_norm(other)
        assert not torch.equal(one, other)


def test_narrow_layers_are_torchs_own(monkeypatch):
    layer, inputs, state, _ = drawn(16)
    monkeypatch.setattr(lstm, "read_window", None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, _ = layer(inputs, state)
    assert outputs.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("threads", "width", "own"), [(1, 448, True), (1, 440, False), (2, 448, False), (2, 640, True)]
)
def test_threads_that_share_products_are_torchs_for_longer(threads, width, own, monkeypatch):
    called = []
    layer, inputs, state, _ = drawn(width)
    monkeypatch.setattr(lstm, "read_window", lambda *_: called.append(True) or (None, None, None))
    with using_threads(threads), torch.autocast("cpu", dtype=torch.bfloat16):
        layer(inputs, state)
    assert bool(called) == own


def test_processors_with_amx_have_torchs_own(monkeypatch):
    layer, inputs, state, _ = drawn(640)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(lstm, "read_window", None)
    with using_threads(1), torch.autocast("cpu", dtype=torch.bfloat16):
        layer(inputs, state)


def test_the_state_carries_a_text_over_windows(monkeypatch):
    monkeypatch.setattr(lstm, "_OWN_FROM", 0)
    monkeypatch.setattr(lstm, "_OWN_FROM_SHARED", 0)
    layer, inputs, state, _ = drawn(32)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        whole, last = layer(inputs, state)
        first, between = layer(inputs[:4], state)
        second, end = layer(inputs[4:], between)
    assert torch.equal(whole, torch.cat([first, second]))
    for one, other in zip(last, end, strict=True):
        torch.testing.assert_close(one, other, rtol=0.01, atol=0.01)


def test_compiled_steps_give_the_bits_of_the_same_steps_in_python():
    hidden, generator = 96, torch.Generator().manual_seed(1)

    def values(*shape, dtype=torch.bfloat16):
        return torch.randn(shape, generator=generator).to(dtype)

    matrix = values(4 * hidden, hidden, dtype=torch.float32) / hidden**0.5
    forwards, backwards = (
        StepProduct(each, torch.bfloat16, batch_size=BATCH, float32_up_to=0).matrix for each in (matrix, matrix.t())
    )
    gates, states = values(TIME, BATCH, 4 * hidden), values(TIME + 1, BATCH, hidden)
    cells, squashed = values(TIME + 1, BATCH, hidden, dtype=torch.float32), values(TIME, BATCH, hidden)
    factors, outputs = values(TIME, BATCH, 4, hidden), values(TIME, BATCH, hidden)
    grads = [values(BATCH, hidden, dtype=torch.float32) for _ in range(2)]
    results = []
    for read, come_back in ((read_steps, return_steps), (scripted(read_steps), scripted(return_steps))):
        read_over = [each.clone() for each in (gates, states, cells, squashed)]
        last = read(*read_over, forwards)
        returned = [each.clone() for each in (factors, squashed, gates[..., :hidden].contiguous(), outputs, *grads)]
        first = come_back(*returned, backwards)
        results.append([*read_over, last, *returned, first])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(results[0][0], gates)
