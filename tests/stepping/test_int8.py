import subprocess
import sys

import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.models.build import build_network
from charlm.stepping.build import build_step_model
from charlm.stepping.int8 import FloatIntegers, Int8Matrix, int8_matrix
from charlm.stepping.int8_torch import TorchIntegers, sums_exactly
from charlm.stepping.matrices import Float32Matrix


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
    Int8Matrix(np.ones((1, 2, 3), dtype=np.float32), make_integers=TorchIntegers).bind(
        np.zeros((1, 3), dtype=np.float32)
    )()
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


@pytest.mark.parametrize("num_streams", [1, 3])
@pytest.mark.parametrize("size", [130, 1040, 1041, 2500])
def test_numpy_adds_up_integers_as_exactly_as_python_does(num_streams: int, size: int) -> None:
    generator = np.random.default_rng(1)
    # Sums of the largest integers, all of one sign, come nearest to what float32 cannot hold.
    integers = np.concatenate([np.full((1, size), 127.0), generator.integers(-127, 128, (70, size))]).astype(np.float32)
    inputs = np.full((num_streams, size), -127.0, dtype=np.float32)
    inputs[-1, ::2] = 126.0
    expected = integers.astype(np.int64) @ inputs.T.astype(np.int64)
    assert FloatIntegers(integers).bind(inputs)().tolist() == expected.T.astype(np.float32).tolist()


@pytest.mark.skipif(not sums_exactly(), reason="this processor's 8-bit products are not exact")
@pytest.mark.parametrize("num_streams", [1, 4])
def test_products_are_the_same_to_the_bit_with_and_without_torch(num_streams: int) -> None:
    generator = np.random.default_rng(3)
    weights = generator.normal(size=(4, 33, 1100)).astype(np.float32)
    inputs = generator.normal(size=(num_streams, 1100)).astype(np.float32)
    without, with_torch = (Int8Matrix(weights, make_integers=each) for each in (FloatIntegers, TorchIntegers))
    assert np.array_equal(without.bind(inputs)(), with_torch.bind(inputs)())


def test_a_small_matrix_has_rounded_weights_and_inputs_as_they_are() -> None:
    # The largest weight of the first output is 127 eighths, of the second 127.
    weights = np.array([[[15.875, 0.06, 0.0], [127.0, 3.4, -0.6]]], dtype=np.float32)
    inputs = np.array([[0.001, 1.0, 2.0]], dtype=np.float32)
    rounded = np.array([[[15.875, 0.0, 0.0], [127.0, 3.0, -1.0]]], dtype=np.float32)
    assert int8_matrix(weights).bind(inputs)() == pytest.approx(Float32Matrix(rounded).bind(inputs)())


@pytest.mark.parametrize(("outputs", "rounds"), [(199, False), (200, True)])
def test_inputs_are_rounded_from_200_000_weights_on(outputs: int, rounds: bool) -> None:
    weights = np.full((1, outputs, 1000), 127.0, dtype=np.float32)
    inputs = np.full((1, 1000), 1e-6, dtype=np.float32)
    inputs[0, 0] = 1.0
    # Rounded to a multiple of 1/127, all inputs but the first are zero.
    expected = 127.0 if rounds else 127.0 * (1 + 999e-6)
    assert int8_matrix(weights).bind(inputs)()[0, 0] == pytest.approx([expected] * outputs, rel=1e-5)


def test_few_symbols_are_read_without_torch() -> None:
    script = (
        "import sys; import numpy as np\n"
        "from charlm.config import ModelConfig\n"
        "from charlm.stepping.build import build_step_model\n"
        "from charlm.stepping.shapes import weight_shapes\n"
        "config = ModelConfig(hidden_size=8)\n"
        "shapes = weight_shapes(config, vocabulary_size=5)\n"
        "weights = {name: np.ones(shape, dtype=np.float32) for name, shape in shapes.items()}\n"
        "build_step_model(config, weights, vocabulary_size=5, source='here', weights='int8', num_steps=500)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
