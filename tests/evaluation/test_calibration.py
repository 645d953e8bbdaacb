import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.lanes import IGNORED
from charlm.data.tokenfile import TokenFile
from charlm.evaluation import calibration
from charlm.evaluation.calibration import symbols_needed, weight_scales
from charlm.evaluation.windows import stream_windows, warm_windows
from charlm.models.base import OWN
from tests.support.small_models import NUM_SYMBOLS, small_model

LOWEST, HIGHEST = 0.05, 20.0


def text_of(seed, length=200):
    rng = np.random.default_rng(seed)
    symbols = rng.choice(NUM_SYMBOLS, size=length, p=rng.dirichlet(np.ones(NUM_SYMBOLS)))
    return TokenFile(symbols.astype(np.uint8))


def mixture(seed, *, spread):
    """A mixture whose gate trusts its parts in any way."""
    model = small_model()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.gate.parameters():
            weight.copy_(spread * torch.randn(weight.shape, generator=generator))
    return model


def nats_of(model, windows, scales):
    """The mean code length under a mixture whose weights are scaled."""
    with torch.no_grad(), model.gate.scaled(torch.as_tensor(scales)):
        total, count, state = 0.0, 0, ()
        for window in windows:
            state = model.initial_state(window.inputs.shape[1]) if window.fresh else state
            nats, state = model.nats(window.inputs, window.targets, state)
            total += float(nats[OWN].double().sum())
            count += window.num_targets
    return total / count


@given(st.integers(0, 1000), st.sampled_from([0.3, 1.5]))
def test_the_code_length_never_gets_worse(seed, spread):
    model = mixture(seed, spread=spread)
    windows = list(stream_windows(text_of(seed, 60), length=25))
    scales = weight_scales(model, windows)
    assert scales.shape == (2,)
    assert ((scales >= LOWEST) & (scales <= HIGHEST)).all()
    assert nats_of(model, windows, scales) <= nats_of(model, windows, [1.0, 1.0]) + 1e-6


@pytest.mark.parametrize("most_numbers", [1, 3 * 2 * NUM_SYMBOLS, 50 * 2 * NUM_SYMBOLS])
def test_factors_are_the_same_in_blocks(most_numbers, monkeypatch):
    model = mixture(1, spread=0.5)
    windows = list(stream_windows(text_of(1), length=70))
    expected = weight_scales(model, windows)
    monkeypatch.setattr(calibration, "_MOST_NUMBERS", most_numbers)
    assert weight_scales(model, windows).numpy() == pytest.approx(expected.numpy(), rel=1e-5)


@pytest.mark.parametrize("seed", range(7))
def test_no_factors_of_a_grid_are_better(seed):
    model = mixture(seed, spread=0.5)
    windows = list(stream_windows(text_of(seed), length=70))
    found = nats_of(model, windows, weight_scales(model, windows))
    grid = np.geomspace(LOWEST, HIGHEST, 11)
    best = min(nats_of(model, windows, each) for each in itertools.product(grid, grid))
    assert found <= best + 1e-5


def test_as_many_symbols_as_are_wanted_are_read():
    model = mixture(1, spread=0.5)
    windows = list(stream_windows(text_of(1), length=50))

    def poisoned():
        yield from windows[:2]
        raise AssertionError("more was read than is needed")

    assert torch.equal(
        weight_scales(model, poisoned(), most_symbols=100), weight_scales(model, windows[:2], most_symbols=1000)
    )


def test_a_large_vocabulary_is_calibrated_on_fewer_symbols():
    assert [symbols_needed(size) for size in (2, 256, 1024, 100_000)] == [8192, 8192, 2048, 1024]


def test_what_is_not_scored_does_not_count():
    model = mixture(2, spread=0.5)
    (window,) = warm_windows(text_of(2), num_lanes=1, warmup=0, length=200)
    half = window.targets.clone()
    half[100:] = IGNORED
    first = type(window)(window.inputs[:100], window.targets[:100], fresh=True, num_targets=100)
    marked = type(window)(window.inputs, half, fresh=True, num_targets=100)
    torch.testing.assert_close(weight_scales(model, [marked]), weight_scales(model, [first]))


def test_the_model_is_as_it_was():
    model = mixture(3, spread=0.5)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    weight_scales(model, stream_windows(text_of(3), length=70))
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
