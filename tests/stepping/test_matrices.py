"""A stream's numbers do not depend, to the last bit, on the streams beside it.

Models promise it for `exact_streams` of them; those in float32 keep it for any number.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charlm.cells import CELLS
from charlm.config import ModelConfig
from charlm.models.build import arrays_of, build_mixture, build_network
from charlm.models.threads import using_threads
from charlm.ngrams.build import count_model
from charlm.stepping.build import build_step_model
from charlm.stepping.joint_torch import TorchJointMatrix, can_multiply_packed
from charlm.stepping.matrices import Float32Matrix, JointMatrix, multiply_rows, multiply_unshared

NUM_SYMBOLS = 41
NETWORKS = [
    *({"cell": cell} for cell in CELLS),
    {"layer_norm": True, "embedding_size": 10},
    {"cell": "jordan", "feedback": "target", "layer_norm": True},
    {"cell": "st-lstm", "layer_norm": True},
    {"cell": "rnn", "nonlinearity": "sigmoid"},
    {"model": "mlp", "window": 9, "layer_norm": True},
    {"mix": "ngram:4"},
    {"cell": "st-lstm", "mix": "ngram:4"},
]


def step_model(settings, *, hidden_size=37):
    config = ModelConfig.model_validate({"hidden_size": hidden_size, "num_layers": 2} | settings)
    network = build_network(config, vocabulary_size=NUM_SYMBOLS)
    if config.mixed_order is not None:
        text = np.random.default_rng(1).integers(0, NUM_SYMBOLS, 3000).astype(np.uint8) // 2
        counted = count_model(text, order=config.mixed_order, smoothing="kneser-ney", vocabulary_size=NUM_SYMBOLS)
        network = build_mixture(config, network, counted.model)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return build_step_model(config, arrays_of(network), vocabulary_size=NUM_SYMBOLS, source="a test")


def assert_streams_are_as_alone(model, num_streams, *, num_steps=12):
    assert model.exact_streams > 1
    tokens = np.random.default_rng(3).integers(0, NUM_SYMBOLS, (num_steps, num_streams))
    together = model.stepper(model.initial_state(num_streams))
    alone = [model.stepper(model.initial_state(1)) for _ in range(num_streams)]
    for row in tokens:
        each = [stepper.step(row[stream : stream + 1])[0] for stream, stepper in enumerate(alone)]
        assert np.array_equal(together.step(row), each)
    for stream, stepper in enumerate(alone):
        for part, its in zip(together.state(), stepper.state(), strict=True):
            assert np.array_equal(part[:, stream : stream + 1], its)


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
@pytest.mark.parametrize("num_streams", [2, 4, 17, 64])
def test_every_network_computes_a_stream_as_if_it_were_alone(settings, num_streams):
    assert_streams_are_as_alone(step_model(settings), num_streams)


@pytest.mark.parametrize("hidden_size", [1, 8, 100, 256])
@pytest.mark.parametrize("num_streams", [5, 64])
def test_streams_are_as_alone_in_networks_of_any_size(hidden_size, num_streams):
    assert_streams_are_as_alone(step_model({}, hidden_size=hidden_size), num_streams, num_steps=4)


@pytest.mark.parametrize("num_rows", [1, 2, 5, 64])
def test_a_row_of_a_product_is_that_of_the_row_alone(num_rows):
    generator = np.random.default_rng(4)
    matrix = Float32Matrix(generator.normal(size=(4, 129, 515)).astype(np.float32))
    rows = generator.normal(size=(num_rows, 515)).astype(np.float32)
    alone = [matrix.bind(row[None].copy())() for row in rows]
    assert np.array_equal(matrix.bind(rows)(), np.concatenate(alone, axis=1))


@pytest.mark.parametrize("num_rows", [1, 3])
def test_a_matrix_in_blocks_gives_the_products_of_the_whole(num_rows):
    generator = np.random.default_rng(6)
    weights = generator.normal(size=(4, 333, 600)).astype(np.float32)
    rows = generator.normal(size=(num_rows, 600)).astype(np.float32)
    exact = np.einsum("goi,bi->gbo", weights.astype(np.float64), rows)
    assert Float32Matrix(weights).bind(rows)() == pytest.approx(exact, abs=1e-3)
    matrix = weights.reshape(-1, 600).T
    assert multiply_rows(rows, matrix) == pytest.approx(rows.astype(np.float64) @ matrix, abs=1e-3)


def test_rows_are_multiplied_one_by_one():
    generator = np.random.default_rng(5)
    rows, matrix = (generator.normal(size=shape).astype(np.float32) for shape in ((64, 515), (515, 129)))
    assert multiply_rows(rows, matrix) == pytest.approx(rows.astype(np.float64) @ matrix, abs=1e-3)
    assert np.array_equal(multiply_rows(rows, matrix), np.stack([row @ matrix for row in rows]))


@pytest.mark.parametrize(
    ("num_rows", "num_inputs", "num_outputs"), [(3, 4, 5), (70, 512, 1024), (2, 1 << 18, 3), (0, 2, 2)]
)
def test_a_product_in_blocks_is_the_product(num_rows, num_inputs, num_outputs):
    rng = np.random.default_rng(1)
    rows, matrix = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((num_rows, num_inputs), (num_outputs, num_inputs))
    )
    exact = rows.astype(np.float64) @ matrix.T.astype(np.float64)
    assert np.allclose(multiply_unshared(rows, matrix.T), exact, atol=1e-5 * num_inputs)


@pytest.mark.parametrize("matrix", [JointMatrix, TorchJointMatrix])
@pytest.mark.parametrize("num_streams", [1, 2, 33])
def test_joint_products_are_products(matrix, num_streams):
    if matrix is TorchJointMatrix and not can_multiply_packed():
        pytest.skip("needs a torch with oneDNN")
    generator = np.random.default_rng(5)
    weights = generator.standard_normal((3, 20, 7)).astype(np.float32)
    inputs = np.zeros((num_streams, 14), dtype=np.float32)[:, 7:]
    product = matrix(weights).bind(inputs)
    for _ in range(2):
        inputs[:] = generator.standard_normal(inputs.shape)
        assert product() == pytest.approx(np.einsum("goi,bi->gbo", weights, inputs), abs=1e-5)


@pytest.mark.parametrize("missing", ["_linear_pointwise", "_reorder_linear_weight"])
def test_a_torch_without_one_of_the_calls_multiplies_nothing_packed(missing, monkeypatch):
    calls = {"_linear_pointwise": abs, "_reorder_linear_weight": abs}
    del calls[missing]
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(**calls))
    assert not can_multiply_packed()


def test_joint_products_leave_torchs_threads_as_they_are():
    if not can_multiply_packed():
        pytest.skip("needs a torch with oneDNN")
    with using_threads(2):
        TorchJointMatrix(np.ones((1, 4, 3), dtype=np.float32)).bind(np.ones((2, 3), dtype=np.float32))()
        assert torch.get_num_threads() == 2
