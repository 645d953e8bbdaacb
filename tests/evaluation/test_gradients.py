import numpy as np
import pytest
import torch

from charlm.evaluation.gradients import gradient_norms
from charlm.models.recurrent import RecurrentLanguageModel


def model_of(cell, **settings):
    defaults = {"embedding_size": 3, "hidden_size": 4, "num_layers": 1}
    model = RecurrentLanguageModel(5, cell=cell, **(defaults | settings))
    model.initialize(torch.Generator().manual_seed(1))
    return model


def texts(time=7, batch=3):
    symbols = torch.randint(0, 5, (time + 1, batch), generator=torch.Generator().manual_seed(2))
    return symbols[:-1], symbols[1:]


def test_a_linear_rnn_s_gradient_shrinks_by_its_matrix():
    """Rectified units that all stay above zero are linear: each symbol back is a product with half the identity."""
    model = model_of("rnn", settings={"nonlinearity": "relu"}, residual=False)
    layer = model.layers[0]
    with torch.no_grad():
        layer.weight_hh_l0.copy_(0.5 * torch.eye(4))
        layer.weight_ih_l0.zero_()
        layer.bias_ih_l0.fill_(1.0)
    norms = gradient_norms(model, *texts())
    assert len(norms) == 6
    assert (norms[1:] / norms[:-1]).tolist() == pytest.approx([0.5] * 5, rel=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm-peephole"])
def test_gradients_are_those_of_finite_differences(cell):
    model = model_of(cell, num_layers=2).double()
    tokens, targets = texts(time=4, batch=1)
    norms = gradient_norms(model, tokens, targets)

    def loss_from(state, first):
        with torch.no_grad():
            logits, _ = model(tokens[first:], state)
        return -float(logits[-1, 0].log_softmax(-1)[targets[-1, 0]])

    for back in (1, 3):
        first = len(tokens) - back
        with torch.no_grad():
            _, state = model(tokens[:first], model.initial_state(1))
        squares = 0.0
        for index, part in enumerate(state):
            for place in np.ndindex(*part.shape):
                sides = []
                for change in (1e-5, -1e-5):
                    moved = [each.clone() for each in state]
                    moved[index][place] += change
                    sides.append(loss_from(tuple(moved), first))
                squares += ((sides[0] - sides[1]) / 2e-5) ** 2
        assert float(norms[back - 1]) == pytest.approx(squares**0.5, rel=1e-4)
