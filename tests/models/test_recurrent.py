import pytest
import torch
from torch import nn

from charlm.config import ModelConfig
from charlm.models.build import build_network
from charlm.models.cells.gru import GRU
from charlm.models.lane_groups import Workers
from charlm.models.recurrent import PIECE, RecurrentLanguageModel
from tests.support.small_networks import random_tokens

CELLS = ["lstm", "gru", "rnn"]


def make(**settings):
    defaults = {"embedding_size": 3, "hidden_size": 3, "num_layers": 2}
    model = RecurrentLanguageModel(5, **(defaults | settings))
    model.initialize(torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize("cell", CELLS)
def test_one_call_equals_one_symbol_at_a_time(cell):
    model = make(cell=cell, residual=True, layer_norm=True).eval()
    whole, whole_state = model(random_tokens(), model.initial_state(2))
    state = model.initial_state(2)
    steps = []
    for row in random_tokens():
        logits, state = model(row[None], state)
        steps.append(logits)
    torch.testing.assert_close(whole, torch.cat(steps))
    for one, other in zip(whole_state, state, strict=True):
        torch.testing.assert_close(one, other)


def test_lstm_follows_its_equations():
    """Hochreiter and Schmidhuber with forget gates, written out for one layer."""
    model = make(num_layers=1).eval()
    layer = model.layers[0]
    hidden = cell = torch.zeros(3)
    for token in random_tokens(batch=1)[:, 0]:
        inputs = model.embedding.weight[token]
        gates = layer.weight_ih_l0 @ inputs + layer.bias_ih_l0 + layer.weight_hh_l0 @ hidden + layer.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * cell.tanh()
    logits, _ = model(random_tokens(batch=1), model.initial_state(1))
    torch.testing.assert_close(logits[-1, 0], model.output.weight @ hidden + model.output.bias)


@pytest.mark.parametrize("cell", CELLS)
def test_without_extras_it_is_torchs_own_stack(cell):
    model = make(cell=cell).eval()
    reference = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell](3, 3, num_layers=2)
    for index, layer in enumerate(model.layers):
        for name, parameter in layer.named_parameters():
            getattr(reference, name.replace("_l0", f"_l{index}")).data.copy_(parameter)
    outputs, _ = reference(model.embedding(random_tokens()))
    torch.testing.assert_close(model(random_tokens(), model.initial_state(2))[0], model.output(outputs))


def test_residual_adds_a_layers_input():
    plain, residual = make(num_layers=1), make(num_layers=1, residual=True)
    residual.load_state_dict(plain.state_dict())
    added = residual(random_tokens(), residual.initial_state(2))[0] - plain(random_tokens(), plain.initial_state(2))[0]
    torch.testing.assert_close(added, plain.embedding(random_tokens()) @ plain.output.weight.T)


def test_residual_leaves_unequal_sizes_alone():
    plain, residual = make(embedding_size=4, num_layers=1), make(embedding_size=4, num_layers=1, residual=True)
    residual.load_state_dict(plain.state_dict())
    torch.testing.assert_close(
        residual(random_tokens(), residual.initial_state(2))[0], plain(random_tokens(), plain.initial_state(2))[0]
    )


def test_tied_weights_are_one_tensor():
    model = make(tie_weights=True)
    assert model.output.weight is model.embedding.weight
    assert len(list(model.parameters())) == len(list(make().parameters())) - 1


def test_forget_gates_start_open_and_other_biases_at_zero():
    layer = make(num_layers=1).layers[0]
    assert (layer.bias_ih_l0 + layer.bias_hh_l0).tolist() == [0] * 3 + [1] * 3 + [0] * 6


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_matrices_start_orthogonal(cell):
    model = make(cell=cell)
    for layer in model.layers:
        for gate in layer.weight_hh_l0.split(3):
            torch.testing.assert_close(gate @ gate.T, torch.eye(3))


@pytest.mark.parametrize("settings", [{}, {"residual": True}, {"residual": True, "tie_weights": True}])
def test_a_gru_that_is_given_symbols_learns_what_it_does_from_their_embeddings(settings, monkeypatch):
    tokens = random_tokens(time=7, batch=3)
    results = []
    for does in (True, False):
        model = make(cell="gru", **settings).double().train()
        if not does:
            monkeypatch.setattr(GRU, "read_symbols", None)
            monkeypatch.setattr(model, "_can_read_symbols", lambda *_: False)
        logits, state = model(tokens, model.initial_state(3))
        loss = logits.logsumexp(-1).sum() + 2.0 * state[0].square().sum()
        results.append([logits, *state, *torch.autograd.grad(loss, list(model.parameters()))])
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected)


@pytest.mark.parametrize(
    ("time", "dropout", "is_training", "expected"),
    [(7, 0.0, True, True), (7, 0.5, False, True), (7, 0.5, True, False), (1, 0.0, True, False)],
)
def test_symbols_are_read_where_their_embeddings_are_not_dropped_and_there_are_more_than_in_the_vocabulary(
    time, dropout, is_training, expected, monkeypatch
):
    model = make(cell="gru", embedding_dropout=dropout).train(is_training)
    called, read = [], GRU.read_symbols
    monkeypatch.setattr(GRU, "read_symbols", lambda *given: called.append(given) or read(*given))
    model(random_tokens(time=time, batch=3), model.initial_state(3), torch.Generator())
    assert bool(called) == expected


def test_dropout_zeroes_about_its_share_and_keeps_the_mean():
    model = make(embedding_dropout=0.25)
    ones = torch.ones(100, 20, 10)
    dropped = model.embedding_dropout(ones, torch.Generator().manual_seed(3))
    assert 0.23 < (dropped == 0).float().mean() < 0.27
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])


def test_variational_dropout_uses_one_mask_for_all_positions():
    model = make(embedding_dropout=0.5, variational=True)
    dropped = model.embedding_dropout(torch.ones(6, 4, 5), torch.Generator().manual_seed(3))
    assert (dropped == dropped[0]).all()
    assert len(dropped[0].unique()) == 2


def test_evaluation_drops_nothing_and_needs_no_generator():
    model = make(embedding_dropout=0.9, layer_dropout=0.9, output_dropout=0.9).eval()
    one, _ = model(random_tokens(), model.initial_state(2))
    other, _ = model(random_tokens(), model.initial_state(2))
    assert torch.equal(one, other)


def test_building_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    build_network(ModelConfig(hidden_size=4, embedding_size=4), vocabulary_size=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropouts_default_to_the_common_one():
    model = build_network(ModelConfig(hidden_size=4, dropout=0.3, output_dropout=0.1), vocabulary_size=5)
    probabilities = [model.embedding_dropout, model.layer_dropout, model.output_dropout]
    assert [dropout.probability for dropout in probabilities] == [0.3, 0.3, 0.1]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole"])
def test_layers_that_read_side_by_side_read_what_one_after_another_does(cell, threads):
    model = RecurrentLanguageModel(5, cell=cell, embedding_size=6, hidden_size=6, num_layers=3, residual=True)
    model.initialize(torch.Generator().manual_seed(1))
    model.eval()
    tokens = torch.randint(5, (2 * PIECE + 7, 1), generator=torch.Generator().manual_seed(2))
    state = tuple(
        torch.randn(part.shape, generator=torch.Generator().manual_seed(3)) for part in model.initial_state(1)
    )
    with torch.inference_mode():
        logits, after = model.read(tokens, state, workers=Workers(threads))
        expected, expected_after = model(tokens, state)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-6)
    for part, known in zip(after, expected_after, strict=True):
        torch.testing.assert_close(part, known, rtol=1e-5, atol=1e-6)


class _Broken(torch.nn.Module):
    def forward(self, inputs, state):
        raise RuntimeError("no memory left")


def test_a_layer_that_fails_does_not_keep_the_one_above_waiting():
    model = RecurrentLanguageModel(5, cell="lstm", embedding_size=6, hidden_size=6, num_layers=2, residual=False)
    model.layers[0] = _Broken()
    with torch.inference_mode(), pytest.raises(RuntimeError, match="no memory left"):
        model.read(torch.zeros(3 * PIECE, 1, dtype=torch.long), model.initial_state(1), workers=Workers(2))
