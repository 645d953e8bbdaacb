import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.models.build import build_network
from charlm.stepping.build import build_step_model
from charlm.stepping.int8 import Int8Matrix


def test_weights_that_eight_bits_hold_are_multiplied_exactly():
    # The scale of each output is 2, and all inputs of a stream are as large.
    weights = np.array([[[254.0, 2.0, 0.0], [-254.0, 0.0, 4.0]]], dtype=np.float32)
    inputs = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], dtype=np.float32)
    assert Int8Matrix(weights).bind(inputs)().tolist() == [[[254.0, -254.0], [2.0, 4.0]]]


@pytest.mark.parametrize("num_streams", [1, 3, 8, 9, 20])
@pytest.mark.parametrize(("blocks", "outputs", "size"), [(1, 1, 1), (4, 5, 7), (3, 64, 64), (2, 33, 130)])
def test_products_of_any_size_are_near_the_exact_ones(num_streams, blocks, outputs, size):
    generator = np.random.default_rng(1)
    weights = generator.uniform(-1, 1, (blocks, outputs, size)).astype(np.float32)
    inputs = generator.uniform(-1, 1, (num_streams, size)).astype(np.float32)
    exact = np.einsum("goi,bi->gbo", weights, inputs)
    # Half a step of 1/127 in each weight and each input: far less than three deviations of a sum.
    assert Int8Matrix(weights).bind(inputs)() == pytest.approx(exact, abs=0.03 * np.sqrt(size))


def test_outputs_without_any_weight_are_zero():
    assert not Int8Matrix(np.zeros((1, 2, 3), dtype=np.float32)).bind(np.ones((1, 3), dtype=np.float32))().any()


def test_a_streams_products_are_those_that_it_has_alone():
    generator = np.random.default_rng(2)
    matrix = Int8Matrix(generator.normal(size=(4, 33, 130)).astype(np.float32))
    inputs = generator.normal(size=(9, 130)).astype(np.float32)
    alone = [matrix.bind(row[None].copy())() for row in inputs]
    assert np.array_equal(matrix.bind(inputs)(), np.concatenate(alone, axis=1))


def test_inputs_of_zero_give_zeros():
    assert not Int8Matrix(np.ones((1, 2, 3), dtype=np.float32)).bind(np.zeros((2, 3), dtype=np.float32))().any()


def test_a_product_leaves_torchs_number_of_threads():
    before = torch.get_num_threads()
    Int8Matrix(np.ones((1, 2, 3), dtype=np.float32)).bind(np.zeros((1, 3), dtype=np.float32))()
    assert torch.get_num_threads() == before


def test_a_product_follows_its_buffer():
    buffer = np.zeros((1, 3), dtype=np.float32)
    product = Int8Matrix(np.full((1, 2, 3), 127.0, dtype=np.float32)).bind(buffer)
    assert product().tolist() == [[[0.0, 0.0]]]
    buffer[0, 1] = 1.0
    assert product().tolist() == [[[127.0, 127.0]]]


@pytest.mark.parametrize(("cell", "tolerance"), [("lstm", 0.03), ("gru", 0.015), ("rnn", 0.15)])
@pytest.mark.parametrize("num_streams", [1, 9])
def test_an_int8_engine_predicts_nearly_what_the_model_does(cell, tolerance, num_streams):
    """The tolerance is three times the largest error from eight seeds; four bits would be further off."""
    config = ModelConfig(cell=cell, hidden_size=32, num_layers=2)
    model = build_network(config, vocabulary_size=6).eval()
    model.initialize(torch.Generator().manual_seed(1))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    tokens = np.random.default_rng(2).integers(0, 6, (30, num_streams))
    engine = build_step_model(config, weights, vocabulary_size=6, source="a test", weights="int8")
    assert engine.exact_streams > 1
    stepper = engine.stepper(engine.initial_state(num_streams))
    logits = np.stack([stepper.step(row).copy() for row in tokens])
    with torch.no_grad():
        exact = model(torch.from_numpy(tokens), model.initial_state(num_streams))[0].numpy()
    assert logits == pytest.approx(exact, abs=tolerance)
    assert not np.array_equal(logits, exact)
