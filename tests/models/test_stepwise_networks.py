"""The networks whose layers do not stand alone, against their equations, one symbol and one text at a time."""

import pytest
import torch
from torch.nn import functional

from charlm.config import ModelConfig
from charlm.errors import CheckpointError, ConfigError
from charlm.models.build import arrays_of, build_network
from charlm.models.growth import grow_vocabulary
from charlm.stepping.build import build_step_model
from tests.support.memory import NATS_WITHOUT_MEMORY, NUM_SYMBOLS, train_where_memory_is_needed
from tests.support.small_networks import draw_weights, random_tokens
from tests.support.steps import assert_reading_leaves_the_state_of_steps, assert_steps_are_those_of

NETWORKS = [
    {"cell": "jordan"},
    {"cell": "jordan", "feedback": "target"},
    {"cell": "jordan", "nonlinearity": "relu", "num_layers": 1},
    {"cell": "jordan", "nonlinearity": "sigmoid", "layer_norm": True, "num_layers": 3},
    {"cell": "st-lstm"},
    {"cell": "st-lstm", "num_layers": 1, "residual": False},
    {"cell": "st-lstm", "num_layers": 3, "layer_norm": True},
    {"cell": "st-lstm", "tie_weights": True},
]


def make(settings, dtype=torch.float32):
    config = ModelConfig.model_validate({"hidden_size": 4, "embedding_size": 4, "num_layers": 2} | settings)
    model = build_network(config, vocabulary_size=5).to(dtype).eval()
    draw_weights(model, deviation=0.6)
    return config, model


def slow_jordan(config, model, text):
    apply = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[config.nonlinearity]
    predicted, logits = torch.zeros(5, dtype=model.output.bias.dtype), []
    for symbol in text:
        told = functional.one_hot(symbol, 5).to(predicted.dtype) if config.feedback == "target" else predicted
        first = model.layers[0]
        hidden = first.weight @ model.embedding.weight[symbol] + model.feedback.weight.T @ told + first.bias
        hidden = model.norms[0](apply(hidden))
        for layer, norm in list(zip(model.layers, model.norms, strict=True))[1:]:
            before = hidden
            hidden = norm(apply(layer.weight @ before + layer.bias) + (before if config.residual else 0))
        logits.append(model.output.weight @ hidden + model.output.bias)
        predicted = logits[-1].softmax(-1)
    return torch.stack(logits)


def slow_st_lstm(config, model, text):
    size, sigmoid, tanh = config.hidden_size, torch.sigmoid, torch.tanh
    dtype = model.output.bias.dtype
    hs, cs = ([torch.zeros(size, dtype=dtype) for _ in model.layers] for _ in range(2))
    m, logits = torch.zeros(size, dtype=dtype), []
    for symbol in text:
        x = model.embedding.weight[symbol]
        for index, (layer, norm) in enumerate(zip(model.layers, model.norms, strict=True)):
            w = dict(zip(("i", "f", "g", "o", "i2", "f2", "g2"), layer.inputs.weight.split(size), strict=True))
            b = dict(zip(("i", "f", "g", "o", "i2", "f2", "g2"), layer.inputs.bias.split(size), strict=True))
            u = dict(zip("ifgo", layer.states.weight.split(size), strict=True))
            s = dict(zip(("i2", "f2", "g2"), layer.shared.weight.split(size), strict=True))
            sees, shows = layer.memories.weight.split(size)
            a = {name: w[name] @ x + b[name] for name in w}
            h = hs[index]
            c = sigmoid(a["f"] + u["f"] @ h) * cs[index] + sigmoid(a["i"] + u["i"] @ h) * tanh(a["g"] + u["g"] @ h)
            m = sigmoid(a["f2"] + s["f2"] @ m) * m + sigmoid(a["i2"] + s["i2"] @ m) * tanh(a["g2"] + s["g2"] @ m)
            both = torch.cat([c, m])
            hs[index] = sigmoid(a["o"] + u["o"] @ h + sees @ both) * tanh(shows @ both)
            cs[index] = c
            x = norm(hs[index] + (x if config.residual else 0))
        logits.append(model.output.weight @ x + model.output.bias)
    return torch.stack(logits)


SLOW = {"jordan": slow_jordan, "st-lstm": slow_st_lstm}


@pytest.mark.parametrize("settings", NETWORKS)
def test_logits_are_those_of_the_equations(settings):
    config, model = make(settings, torch.float64)
    with torch.no_grad():
        logits, _ = model(random_tokens(), model.initial_state(2))
        for lane in range(2):
            expected = SLOW[config.cell](config, model, random_tokens()[:, lane])
            # A running-free prediction is rounded to float32 before it comes back.
            torch.testing.assert_close(logits[:, lane], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", NETWORKS)
def test_gradients_are_those_of_the_equations(settings):
    config, model = make(settings, torch.float64)
    logits, _ = model(random_tokens(batch=1), model.initial_state(1))
    weights = torch.randn(7, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    parameters = list(model.parameters())
    told = torch.autograd.grad((logits[:, 0] * weights).sum(), parameters)
    expected = torch.autograd.grad(
        (SLOW[config.cell](config, model, random_tokens(batch=1)[:, 0]) * weights).sum(), parameters
    )
    for one, other in zip(told, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", NETWORKS)
def test_the_state_carries_a_text_over_windows(settings):
    _, model = make(settings)
    with torch.no_grad():
        whole, end = model(random_tokens(), model.initial_state(2))
        first, state = model(random_tokens()[:3], model.initial_state(2))
        second, last = model(random_tokens()[3:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for one, other in zip(last, end, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("settings", NETWORKS)
@pytest.mark.parametrize("num_streams", [1, 3])
def test_steps_are_those_of_the_torch_model(settings, num_streams):
    config, model = make(settings)
    steps = build_step_model(config, arrays_of(model), vocabulary_size=5, source="here")
    assert_steps_are_those_of(model, steps, random_tokens(batch=num_streams), restart_at=3, tolerance=1e-4)


@pytest.mark.parametrize("settings", NETWORKS)
def test_reading_ahead_leaves_the_state_of_steps(settings):
    config, model = make(settings)
    steps = build_step_model(config, arrays_of(model), vocabulary_size=5, source="here")
    assert_reading_leaves_the_state_of_steps(steps, random_tokens(batch=1)[:, 0].numpy(), tolerance=1e-5)


def test_a_teacher_forced_jordan_network_sees_one_symbol_only():
    _, model = make({"cell": "jordan", "feedback": "target"})
    other = random_tokens().clone()
    other[:-1] = (other[:-1] + 1) % 5
    with torch.no_grad():
        one, _ = model(random_tokens(), model.initial_state(2))
        two, _ = model(other, model.initial_state(2))
    torch.testing.assert_close(one[-1], two[-1])


@pytest.mark.parametrize("cell", ["jordan", "st-lstm"])
def test_each_learns_what_needs_memory(cell):
    config = ModelConfig(cell=cell, hidden_size=8, embedding_size=8, num_layers=2)
    model = build_network(config, vocabulary_size=NUM_SYMBOLS)
    model.initialize(torch.Generator().manual_seed(1))
    assert train_where_memory_is_needed(model) < 0.5 * NATS_WITHOUT_MEMORY


def test_a_jordan_network_grows_with_its_vocabulary():
    config, model = make({"cell": "jordan"})
    grown = grow_vocabulary(model.state_dict(), vocabulary_size=7, generator=torch.Generator().manual_seed(1))
    larger = build_network(config, vocabulary_size=7)
    larger.load_state_dict(grown)
    assert torch.equal(larger.feedback.weight[:5], model.feedback.weight)


@pytest.mark.parametrize("cell", ["jordan", "st-lstm"])
def test_damaged_weights_and_int8_are_refused(cell):
    config, model = make({"cell": cell})
    arrays = dict(arrays_of(model))
    with pytest.raises(ConfigError, match=f"--weights int8 is for the cells lstm, .*, not for {cell}"):
        build_step_model(config, arrays, vocabulary_size=5, source="here", weights="int8")
    name = {"jordan": "feedback.weight", "st-lstm": "layers.1.shared.weight"}[cell]
    arrays[name] = arrays[name][:-1]
    with pytest.raises(CheckpointError, match="do not fit"):
        build_step_model(config, arrays, vocabulary_size=5, source="here")
