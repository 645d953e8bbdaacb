import pytest
import torch

from charlm.cells import CELLS, standing_alone
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.models.weight_drop import dropped
from tests.support.small_networks import random_tokens


def make(cell="lstm", **settings):
    model = RecurrentLanguageModel(5, cell=cell, embedding_size=3, hidden_size=4, num_layers=2, **settings)
    model.initialize(torch.Generator().manual_seed(1))
    return model


def seeded():
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("cell", standing_alone())
def test_a_layer_reads_a_whole_window_with_the_same_weights_missing(cell):
    model = make(cell)
    layer, inputs = model.layers[0], torch.randn(6, 2, 3, generator=seeded())
    state = tuple(torch.zeros(1, 2, 4) for _ in CELLS[cell].states)
    state = state if len(state) > 1 else state[0]
    weight = layer.weight_hh_l0
    mask = torch.empty_like(weight).bernoulli_(0.5, generator=seeded()) * 2.0
    before = weight.detach().clone()
    outputs, _ = dropped(layer, 0.5, seeded())(inputs, state)
    (gradient,) = torch.autograd.grad(outputs.sum(), [weight])
    assert torch.equal(weight, before) and layer.weight_hh_l0 is weight
    assert 0 < int((mask == 0.0).sum()) < mask.numel()
    # The same layer with these weights for good.
    with torch.no_grad():
        weight.mul_(mask)
    expected, _ = layer(inputs, state)
    torch.testing.assert_close(outputs, expected)
    (plain,) = torch.autograd.grad(expected.sum(), [weight])
    torch.testing.assert_close(gradient, plain * mask)


def test_weights_are_dropped_in_training_alone_and_each_window_lacks_others():
    model, tokens = make(weight_drop=0.5), random_tokens()
    whole = make()(tokens)[0]
    torch.testing.assert_close(model.eval()(tokens)[0], whole)
    generator = seeded()
    model.train()
    first, second = (model(tokens, None, generator)[0] for _ in range(2))
    assert not torch.allclose(first, whole) and not torch.allclose(first, second)
    assert torch.equal(first, model(tokens, None, seeded())[0])


def test_a_layer_keeps_its_weights_in_its_state():
    model = make(weight_drop=0.9)
    names = model.state_dict().keys()
    model.train()(random_tokens(), None, seeded())
    assert model.state_dict().keys() == names == make().state_dict().keys()
