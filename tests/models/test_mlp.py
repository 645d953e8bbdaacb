import math

import pytest
import torch

from charlm.config import ModelConfig, require_suited
from charlm.errors import CheckpointError, ConfigError
from charlm.models.build import arrays_of, build_network
from charlm.stepping.build import build_step_model
from tests.support.memory import NATS_WITHOUT_MEMORY, NUM_SYMBOLS, train_where_memory_is_needed
from tests.support.small_networks import draw_weights, random_tokens
from tests.support.steps import assert_reading_leaves_the_state_of_steps, assert_steps_are_those_of

SHAPES = [
    {},
    {"window": 1},
    {"window": 4, "num_layers": 1},
    {"num_layers": 3, "residual": False},
    {"num_layers": 3, "layer_norm": True, "embedding_size": 3},
]


def make(**settings):
    config = ModelConfig.model_validate(
        {"model": "mlp", "window": 3, "hidden_size": 6, "embedding_size": 4, "num_layers": 2} | settings
    )
    model = build_network(config, vocabulary_size=5).eval()
    draw_weights(model, deviation=0.5)
    return config, model


def tokens(time=9, batch=2):
    return random_tokens(time, batch)


def slowly(config, model, text):
    """The logits after each symbol of one text, from the equations."""
    logits = []
    for place in range(len(text)):
        seen = [
            model.before if place - back < 0 else model.embedding.weight[text[place - back]]
            for back in reversed(range(config.window))
        ]
        hidden = torch.cat(seen)
        for index, (layer, norm) in enumerate(zip(model.layers, model.norms, strict=True)):
            inputs = hidden
            hidden = torch.tanh(layer.weight @ inputs + layer.bias)
            if config.residual and index > 0:
                hidden = hidden + inputs
            hidden = norm(hidden)
        logits.append(model.output.weight @ hidden + model.output.bias)
    return torch.stack(logits)


@pytest.mark.parametrize("settings", SHAPES)
def test_logits_are_those_of_the_equations(settings):
    config, model = make(**settings)
    with torch.no_grad():
        logits, _ = model(tokens(), model.initial_state(2))
        for lane in range(2):
            torch.testing.assert_close(logits[:, lane], slowly(config, model, tokens()[:, lane]))


@pytest.mark.parametrize("settings", SHAPES)
@pytest.mark.parametrize("border", [1, 2, 8])
def test_the_state_carries_a_text_over_windows(settings, border):
    _, model = make(**settings)
    with torch.no_grad():
        whole, last = model(tokens(), model.initial_state(2))
        first, state = model(tokens()[:border], model.initial_state(2))
        second, end = model(tokens()[border:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    assert torch.equal(end[0], last[0])


@pytest.mark.parametrize("settings", SHAPES)
@pytest.mark.parametrize("num_streams", [1, 3])
def test_steps_are_those_of_the_torch_model(settings, num_streams):
    config, model = make(**settings)
    steps = build_step_model(config, arrays_of(model), vocabulary_size=5, source="here")
    assert_steps_are_those_of(model, steps, tokens(batch=num_streams), restart_at=2, tolerance=1e-5)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 9])
def test_reading_ahead_leaves_the_state_of_steps(length):
    config, model = make(window=4)
    steps = build_step_model(config, arrays_of(model), vocabulary_size=5, source="here")
    assert_reading_leaves_the_state_of_steps(steps, tokens(batch=1)[:length, 0].numpy(), tolerance=0)


def test_one_layer_worked_by_hand():
    """A window of two, one number an embedding: after the second symbol, tanh(2 * 0.5 + 3 * 0.25 - 1) = tanh(0.75)."""
    config = ModelConfig(model="mlp", window=2, embedding_size=1, hidden_size=1, num_layers=1)
    model = build_network(config, vocabulary_size=2)
    values = {
        "embedding.weight": [[0.5], [0.25]],
        "before": [0.125],
        "layers.0.weight": [[2.0, 3.0]],
        "layers.0.bias": [-1.0],
        "output.weight": [[1.0], [-2.0]],
        "output.bias": [0.0, 1.0],
    }
    model.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
    logits, (last,) = model(torch.tensor([[0], [1]]), model.initial_state(1))
    first, second = math.tanh(2 * 0.125 + 3 * 0.5 - 1), math.tanh(0.75)
    torch.testing.assert_close(logits[:, 0], torch.tensor([[first, 1 - 2 * first], [second, 1 - 2 * second]]))
    assert last.tolist() == [[1]]


def test_gradients_are_those_of_finite_differences():
    _, model = make(residual=True, layer_norm=True)
    model = model.double()
    names = [name for name, _ in model.named_parameters()]

    def logits(*parameters):
        inputs = (tokens(4), model.initial_state(2))
        return torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), inputs)[0]

    assert torch.autograd.gradcheck(logits, tuple(model.parameters()))


def test_what_lies_outside_the_window_changes_nothing():
    _, model = make(window=3)
    one, other = tokens().clone(), tokens().clone()
    other[0] = (other[0] + 1) % 5
    with torch.no_grad():
        first, _ = model(one, model.initial_state(2))
        second, _ = model(other, model.initial_state(2))
    assert not torch.allclose(first[:3], second[:3])
    torch.testing.assert_close(first[3:], second[3:])


@pytest.mark.parametrize("window", [1, 2])
def test_it_learns_what_its_window_holds_and_no_more(window):
    config = ModelConfig(model="mlp", window=window, hidden_size=8, embedding_size=8, num_layers=1)
    model = build_network(config, vocabulary_size=NUM_SYMBOLS)
    model.initialize(torch.Generator().manual_seed(1))
    nats = train_where_memory_is_needed(model)
    if window == 1:
        assert nats > 0.999 * NATS_WITHOUT_MEMORY
    else:
        assert nats < 0.5 * NATS_WITHOUT_MEMORY


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "mlp", "cell": "gru"}, "cell is for model recurrent, not for model mlp"),
        ({"model": "mlp", "tie_weights": True}, "tie_weights is for model recurrent"),
        ({"model": "recurrent", "window": 4}, "window is for model mlp, not for model recurrent"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        require_suited(ModelConfig(**settings), settings)


def test_a_window_of_nothing_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        make(window=0)


def test_weights_that_do_not_fit_are_refused_and_so_is_int8():
    config, model = make()
    arrays = dict(arrays_of(model))
    with pytest.raises(ConfigError, match="feed-forward"):
        build_step_model(config, arrays, vocabulary_size=5, source="here", weights="int8")
    arrays["layers.0.weight"] = arrays["layers.0.weight"][:, 1:]
    with pytest.raises(CheckpointError, match="do not fit"):
        build_step_model(config, arrays, vocabulary_size=5, source="here")
