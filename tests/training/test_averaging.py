import pytest
import torch
from torch import nn

from charlm.training.averaging import Trigger, WeightAverage


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


@pytest.mark.parametrize(
    ("losses", "fires_at"),
    [
        # Each is compared with the lowest of those at least two before it: none, none, none, 5, 4.
        ([5.0, 4.0, 3.0, 4.5, 4.2], 4),
        ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1], 5),
        ([5.0, 6.0, 7.0, 5.1], 3),
        ([5.0, 4.0, 3.0, 2.0, 1.0], None),
    ],
)
def test_averaging_is_triggered_by_an_evaluation_that_is_worse_than_one_long_before(losses, fires_at):
    trigger = Trigger(2)
    assert [trigger.after_evaluation(nats) for nats in losses] == [place == fires_at for place in range(len(losses))]
    assert trigger.has_fired == (fires_at is not None)
    assert not trigger.after_evaluation(99.0) or fires_at is None


def test_a_triggered_average_is_the_plain_mean_from_then_on():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, trigger=Trigger(1))

    def update(value, skipped=0.0):
        model.weight.data.fill_(value)
        average.update(model, torch.tensor(skipped))

    update(100.0)
    for nats in (2.0, 1.0):
        average.after_evaluation(model, nats)
    update(50.0)
    # Until then the model's own weights are evaluated.
    with average.applied_to(model):
        assert model.weight.item() == 50.0
    average.after_evaluation(model, 3.0)
    for value in (53.0, 56.0):
        update(value)
    with average.applied_to(model):
        assert model.weight.item() == pytest.approx(53.0)  # The mean of 50, 53 and 56.
    update(99.0, skipped=1.0)
    assert average.weights["weight"].item() == pytest.approx(53.0)
