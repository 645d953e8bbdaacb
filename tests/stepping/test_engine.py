"""The engine against torch's own cells, and its state against itself."""

import numpy as np
import pytest
import torch

from charlm.cells import standing_alone
from charlm.config import ModelConfig
from charlm.errors import CheckpointError
from charlm.models.build import build_network
from charlm.stepping import engine as engine_module
from charlm.stepping.base import select_streams
from charlm.stepping.build import build_step_model

SYMBOLS = 6

SHAPES = [
    {},
    {"residual": False},
    {"embedding_size": 4},
    {"embedding_size": 4, "residual": False, "layer_norm": True},
    {"layer_norm": True},
    {"tie_weights": True},
    {"num_layers": 1, "embedding_size": 4},
    {"num_layers": 3},
]
CELLS = [
    *({"cell": cell} for cell in standing_alone()),
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "rnn", "nonlinearity": "sigmoid"},
]


def torch_model(**changes):
    config = ModelConfig.model_validate({"hidden_size": 5, "num_layers": 2, "dropout": 0.5, **changes})
    generator = torch.Generator().manual_seed(1)
    model = build_network(config, vocabulary_size=SYMBOLS).eval()
    with torch.no_grad():
        # All biases and gains too, so that none can be forgotten; small, so that a rectified network stays finite.
        for parameter in model.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return config, model


def weights_of(model):
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def engine_of(*, jointly=False, **changes):
    config, model = torch_model(**changes)
    known = {"vocabulary_size": SYMBOLS, "source": "a test", "jointly": jointly}
    return build_step_model(config, weights_of(model), **known), model


def text(time: int, batch: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, SYMBOLS, (time, batch))


def expected(model, tokens):
    with torch.no_grad():
        logits, state = model(torch.from_numpy(tokens), model.initial_state(tokens.shape[1]))
    return logits.numpy(), [part.numpy() for part in state]


def assert_states_agree(state, other):
    assert len(state) == len(other)
    for part, its in zip(state, other, strict=True):
        assert part == pytest.approx(its, abs=1e-5)


@pytest.mark.parametrize("cell", CELLS, ids=lambda each: "-".join(each.values()))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("batch_size", "jointly"), [(1, False), (3, False), (3, True)])
def test_logits_and_states_are_those_of_torch(cell, shape, batch_size, jointly):
    engine, model = engine_of(jointly=jointly, **cell, **shape)
    tokens = text(9, batch_size)
    logits, state = expected(model, tokens)
    stepper = engine.stepper(engine.initial_state(batch_size))
    assert np.stack([stepper.step(row).copy() for row in tokens]) == pytest.approx(logits, abs=1e-5)
    assert_states_agree(stepper.state(), state)


@pytest.mark.parametrize("cell", CELLS, ids=lambda each: "-".join(each.values()))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_text_that_is_read_leaves_the_state_of_one_that_is_stepped(cell, shape, monkeypatch):
    monkeypatch.setattr(engine_module, "READING_CHUNK", 4)
    engine, model = engine_of(**cell, **shape)
    tokens = text(11, 1)
    assert_states_agree(engine.read(tokens[:, 0], engine.initial_state(1)), expected(model, tokens)[1])


def test_reading_nothing_changes_nothing():
    engine, _ = engine_of()
    state = engine.read(text(3, 1)[:, 0], engine.initial_state(1))
    assert_states_agree(engine.read(np.array([], dtype=np.uint8), state), state)


def test_a_stepper_goes_on_from_any_state_and_streams_can_be_reordered():
    engine, _ = engine_of()
    tokens = text(8, 3)
    whole = engine.stepper(engine.initial_state(3))
    rows = [whole.step(row).copy() for row in tokens]
    half = engine.stepper(engine.initial_state(3))
    for row in tokens[:4]:
        half.step(row)
    order = np.array([2, 0, 0])
    again = engine.stepper(select_streams(half.state(), order))
    for row, logits in zip(tokens[4:], rows[4:], strict=True):
        assert again.step(row[order]) == pytest.approx(logits[order], abs=1e-6)


def test_a_state_is_a_copy_that_later_steps_leave_alone():
    engine, _ = engine_of()
    stepper = engine.stepper(engine.initial_state(2))
    stepper.step(np.array([1, 2]))
    state = stepper.state()
    before = [part.copy() for part in state]
    stepper.step(np.array([3, 4]))
    engine.stepper(state).step(np.array([3, 4]))
    assert all(np.array_equal(part, its) for part, its in zip(state, before, strict=True))


def test_a_model_that_trains_on_does_not_change_its_engine():
    engine, model = engine_of()
    before = engine.stepper(engine.initial_state(1)).step(np.array([1])).copy()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    assert np.array_equal(engine.stepper(engine.initial_state(1)).step(np.array([1])), before)


@pytest.mark.parametrize("name", ["embedding.weight", "layers.1.weight_hh_l0", "output.bias"])
def test_weights_that_are_missing_or_misshapen_are_one_sentence(name):
    config, model = torch_model()
    weights = weights_of(model)
    with pytest.raises(CheckpointError, match="do not fit"):
        others = {key: array for key, array in weights.items() if key != name}
        build_step_model(config, others, vocabulary_size=SYMBOLS, source="a test")
    with pytest.raises(CheckpointError, match="do not fit"):
        build_step_model(config, weights | {name: weights[name][:-1]}, vocabulary_size=SYMBOLS, source="a test")
