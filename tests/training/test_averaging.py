import pytest
import torch
from torch import nn

from charlm.training.averaging import WeightAverage


def test_the_average_follows_its_recurrence():
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = WeightAverage(model, decay=0.5)
    expected = 0.0
    for update in range(20):
        model.weight.data.fill_(float(update + 1))
        average.update(model, torch.tensor(0.0))
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * (update + 1)
        # After each update: by the last one, what the first ones did is all but forgotten.
        assert average.weights["weight"].item() == pytest.approx(expected, rel=1e-5)
    average.update(model, torch.tensor(1.0))
    assert average.weights["weight"].item() == pytest.approx(expected, rel=1e-5)


def test_the_first_updates_of_the_average_forget_the_random_weights():
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = WeightAverage(model, decay=0.999)
    model.weight.data.fill_(1.0)
    kept = 1.0
    for decay in (1 / 10, 2 / 11, 3 / 12):
        average.update(model, torch.tensor(0.0))
        kept *= decay
        assert average.weights["weight"].item() == pytest.approx(1.0 - kept)


def test_the_average_is_lent_and_taken_back():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, decay=0.5)
    kept = model.weight.item()
    average.weights["weight"].fill_(9.0)
    with average.applied_to(model):
        assert model.weight.item() == 9.0
    assert model.weight.item() == kept
