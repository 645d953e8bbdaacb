import pytest
import torch

from charlm.cells import CELLS, standing_alone
from charlm.config import ModelConfig, require_suited
from charlm.errors import ConfigError
from charlm.models.build import build_network


def layer_of(cell="rnn", hidden=40, **settings):
    config = ModelConfig(cell=cell, hidden_size=hidden, num_layers=1, **settings)
    model = build_network(config, vocabulary_size=7)
    model.initialize(torch.Generator().manual_seed(1))
    return model.layers[0]


@pytest.mark.parametrize("cell", standing_alone())
@pytest.mark.parametrize("init", ["default", "orthogonal", "identity"])
def test_every_gate_s_matrix_is_orthogonal_or_the_identity(cell, init):
    layer = layer_of(cell, init=init)
    for gate in layer.weight_hh_l0.chunk(len(CELLS[cell].gates)):
        torch.testing.assert_close(gate @ gate.T, torch.eye(40), atol=1e-5, rtol=0)
        assert torch.equal(gate, torch.eye(40)) == (init == "identity")


@pytest.mark.parametrize("variance", [3.0, 2.0, 1.5])
def test_a_gaussian_matrix_has_the_variance_asked_for(variance):
    matrix = layer_of(hidden=300, init="gaussian", init_variance=variance).weight_hh_l0
    assert matrix.var().item() == pytest.approx(variance / 300, rel=0.02)
    assert abs(matrix.mean().item()) < 0.001


KEEPING = [("lstm", 4, 1), ("lstm-peephole", 4, 1), ("gru", 3, 1), ("gru-reset-before", 3, 1), ("gru-simple", 2, 0)]


@pytest.mark.parametrize(("cell", "gates", "place"), KEEPING)
def test_the_forget_bias_is_that_of_the_gate_that_keeps_the_past_alone(cell, gates, place):
    bias = layer_of(cell, forget_bias=2.5).bias_ih_l0
    assert bias.chunk(gates)[place].tolist() == [2.5] * 40
    assert bias.sum().item() == pytest.approx(100.0)


@pytest.mark.parametrize("cell", ["gru", "gru-reset-before", "gru-simple"])
def test_with_a_large_forget_bias_a_state_stays(cell):
    state = torch.linspace(-0.9, 0.9, 40).view(1, 1, 40)
    with torch.no_grad():
        _, last = layer_of(cell, forget_bias=30.0)(torch.zeros(5, 1, 40), state)
    torch.testing.assert_close(last, state, atol=1e-5, rtol=0.0)


def test_the_default_forget_bias_is_one_for_lstms_and_zero_for_grus():
    assert layer_of("lstm").bias_ih_l0.chunk(4)[1].tolist() == [1.0] * 40
    assert layer_of("gru").bias_ih_l0.abs().max().item() == 0.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "rnn", "forget_bias": 0.0}, "forget_bias is for cell lstm, .* or gru-simple, not for cell rnn"),
        ({"init_variance": 2.0}, "init_variance is for init gaussian, not for init default"),
        ({"cell": "lstm", "nonlinearity": "sigmoid"}, "nonlinearity is for cell rnn or jordan, not for cell lstm"),
        ({"cell": "st-lstm", "init": "identity"}, "init is for cell lstm, .* or rnn, not for cell st-lstm"),
        ({"feedback": "target"}, "feedback is for cell jordan, not for cell lstm"),
        ({"model": "ngram", "init": "identity"}, "init is for model recurrent, not for model ngram"),
    ],
)
def test_a_setting_that_the_cell_cannot_take_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        require_suited(ModelConfig(**settings), settings)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_the_memories_of_a_spatiotemporal_lstm_do_not_grow_at_first(num_layers):
    config = ModelConfig(cell="st-lstm", hidden_size=64, num_layers=num_layers)
    model = build_network(config, vocabulary_size=7)
    model.initialize(torch.Generator().manual_seed(1))
    tokens = torch.randint(7, (200, 2), generator=torch.Generator().manual_seed(2))
    _, (_, own, shared) = model(tokens, model.initial_state(2))
    # A bias of 1 keeps 0.73 of a layer's own memory, one of -2 keeps 0.12 of the shared one: what comes in, less than 1
    # at each symbol, adds up to less than 1 / 0.27 and 1 / 0.88.
    assert own.abs().max() < 3.7
    assert shared.abs().max() < 1.14


def test_a_spatiotemporal_lstm_is_an_lstm_at_first():
    settings = {"hidden_size": 6, "embedding_size": 6, "num_layers": 2, "dropout": 0.0}
    ours, lstm = (build_network(ModelConfig(cell=cell, **settings), vocabulary_size=7) for cell in ("st-lstm", "lstm"))
    ours.initialize(torch.Generator().manual_seed(1))
    lstm.embedding, lstm.output = ours.embedding, ours.output
    for theirs, layer in zip(lstm.layers, ours.layers, strict=True):
        weights = {
            "weight_ih_l0": layer.inputs.weight[:24],
            "weight_hh_l0": layer.states.weight,
            "bias_ih_l0": layer.inputs.bias[:24],
            "bias_hh_l0": torch.zeros(24),
        }
        theirs.load_state_dict(weights)
    tokens = torch.randint(7, (9, 2), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(ours(tokens, ours.initial_state(2))[0], lstm(tokens, lstm.initial_state(2))[0])
