"""The script's network against the step engine, for every cell that a page holds."""

import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.models.build import arrays_of, build_network
from charlm.page.network import PAGE_CELLS, describe_network, network_arrays
from charlm.page.packing import pack_arrays
from charlm.stepping.build import build_step_model
from tests.support.javascript import needs_node, run_script
from tests.support.small_networks import draw_weights

NUM_SYMBOLS = 11
TEXT = np.random.default_rng(3).integers(NUM_SYMBOLS, size=60)
READ = """
const arrays = unpackArrays(given.arrays, bytesOf(given.block));
const network = new Network(given.network, arrays, { compiled: given.compiled });
return { compiled: network.memory.kernel !== null,
         found: given.text.map((symbol) => Array.from(logProbabilities(network.step(symbol)))) };
"""


def small_network(**settings):
    config = ModelConfig(**{"num_layers": 2, "hidden_size": 19, "embedding_size": 7} | settings)
    network = build_network(config, vocabulary_size=NUM_SYMBOLS)
    network.initialize(torch.Generator().manual_seed(1))
    draw_weights(network, deviation=0.3)
    return config, arrays_of(network.eval())


def expected_log_probabilities(config, arrays):
    model = build_step_model(config, arrays, vocabulary_size=NUM_SYMBOLS, source="the test")
    stepper = model.stepper(model.initial_state(1))
    logits = np.array([stepper.step(np.array([symbol]))[0].copy() for symbol in TEXT], dtype=np.float64)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def read_in_script(config, arrays, *, weights="float32", compiled=True):
    described, block = pack_arrays(network_arrays(config, arrays), weights=weights)
    result = run_script(
        READ,
        network=describe_network(config, vocabulary_size=NUM_SYMBOLS),
        arrays=described,
        block=block,
        text=TEXT.tolist(),
        compiled=compiled,
    )
    assert result["compiled"] == compiled
    return np.array(result["found"])


@needs_node
@pytest.mark.parametrize("cell", PAGE_CELLS)
def test_a_cell_gives_the_log_probabilities_of_the_step_engine(cell):
    config, arrays = small_network(cell=cell)
    assert np.abs(read_in_script(config, arrays) - expected_log_probabilities(config, arrays)).max() < 1e-5


@needs_node
@pytest.mark.parametrize(
    "settings",
    [
        {"layer_norm": True, "num_layers": 3},
        {"embedding_size": 19, "residual": True},
        {"embedding_size": 19, "residual": False, "num_layers": 1},
        {"embedding_size": 19, "tie_weights": True, "layer_norm": True},
        {"cell": "rnn", "nonlinearity": "relu"},
        {"cell": "rnn", "nonlinearity": "sigmoid"},
        {"cell": "gru-reset-before", "num_layers": 3, "layer_norm": True},
        {"hidden_size": 16, "num_layers": 4},
    ],
    ids=str,
)
def test_a_setting_of_the_network_is_kept(settings):
    config, arrays = small_network(**settings)
    assert np.abs(read_in_script(config, arrays) - expected_log_probabilities(config, arrays)).max() < 1e-5


@needs_node
@pytest.mark.parametrize("cell", PAGE_CELLS)
def test_a_browser_that_compiles_nothing_computes_the_same(cell):
    config, arrays = small_network(cell=cell)
    found = read_in_script(config, arrays, compiled=False)
    assert np.abs(found - expected_log_probabilities(config, arrays)).max() < 1e-5


@needs_node
def test_weights_in_eight_bits_are_those_times_their_scales():
    config, arrays = small_network()
    rounded = {}
    for name, array in arrays.items():
        scales = np.abs(array).max(axis=-1, keepdims=True) / 127
        rounded[name] = np.rint(array / scales) * scales if array.ndim == 2 else array
    found = read_in_script(config, arrays, weights="int8")
    assert np.abs(found - expected_log_probabilities(config, rounded)).max() < 1e-4
    assert np.abs(found - expected_log_probabilities(config, arrays)).max() > 1e-3
