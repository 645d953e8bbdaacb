import pytest
import torch

from charlm.evaluation.gates import gate_activities
from charlm.models.recurrent import RecurrentLanguageModel


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-simple", "gru-reset-before"])
def test_activities_are_those_of_the_equations(cell):
    model = RecurrentLanguageModel(
        5, cell=cell, embedding_size=3, hidden_size=3, num_layers=2, residual=True, layer_norm=True
    ).eval()
    model.initialize(torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    tokens = torch.randint(0, 5, (9, 2), generator=torch.Generator().manual_seed(2))
    activities = gate_activities(model, tokens)
    layer = model.layers[0]
    hidden, gates = torch.zeros(2, 3), []
    values = model.embedding(tokens)
    outputs, _ = layer(values, model.initial_state(2)[0][:1] if cell != "lstm" else (torch.zeros(1, 2, 3),) * 2)
    for value, output in zip(values, outputs, strict=True):
        sums = value @ layer.weight_ih_l0.T + layer.bias_ih_l0 + hidden @ layer.weight_hh_l0.T
        sums = sums + getattr(layer, "bias_hh_l0", 0.0)
        gates.append(sums.sigmoid())
        hidden = output
    first = torch.stack(gates)[..., :3]  # the first gate of each of these cells is a logistic one
    assert activities[0].left_saturated == pytest.approx(float((first < 0.1).float().mean()))
    assert activities[0].right_saturated == pytest.approx(float((first > 0.9).float().mean()))
    assert sum(activities[0].histogram) == pytest.approx(1.0, abs=1e-5)
    assert len(activities) == 2 * {"lstm": 3, "gru": 2, "gru-simple": 1, "gru-reset-before": 2}[cell]
    assert all(len(each.per_unit) == 3 for each in activities)
