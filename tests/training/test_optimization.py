import math

import pytest
import torch
from torch import nn

from charlm.config import ModelConfig
from charlm.training.averaging import WeightAverage
from charlm.training.clipping import build_clip
from charlm.training.defaults import default_dropout, default_learning_rate
from charlm.training.optimization import build_optimizer, learning_rate_at, shortened_warmup
from charlm.training.planning import steps_for_budget


def rate(step: int, **settings: float) -> float:
    return learning_rate_at(step, step / 100, **({"peak": 1.0, "final_share": 0.1, "warmup_steps": 4} | settings))


def test_the_learning_rate_rises_then_follows_a_cosine():
    assert rate(0) == pytest.approx(1 / 5)
    assert rate(3) == pytest.approx(4 / 5 * (0.1 + 0.45 * (1 + math.cos(math.pi * 0.03))))
    assert rate(50) == pytest.approx(0.55)
    assert rate(100) == pytest.approx(0.1)


def test_a_short_training_warms_up_for_a_tenth_of_it():
    assert shortened_warmup(50, total_steps=10) == 1
    assert shortened_warmup(50, total_steps=10_000) == 50


def test_only_matrices_decay():
    model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = build_optimizer(model, beta1=0.9, beta2=0.99, weight_decay=0.5)
    optimizer.learning_rate = 0.1
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name] * (0.95 if name == "0.weight" else 1.0))


def with_gradient(*values: float) -> list[nn.Parameter]:
    parameter = nn.Parameter(torch.zeros(len(values)))
    parameter.grad = torch.tensor(values)
    return [parameter]


def test_clipping_by_norm_divides_a_long_gradient_down_to_the_norm():
    clipping = build_clip(max_norm=2.0, max_value=None)(with_gradient(3.0, 4.0))
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (5.0, True, 2.5)


def test_clipping_leaves_a_short_gradient_alone():
    clipping = build_clip(max_norm=1.0, max_value=None)(with_gradient(0.3, 0.4))
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (pytest.approx(0.5), False, 1.0)


def test_norm_zero_turns_clipping_off():
    clipping = build_clip(max_norm=0.0, max_value=None)(with_gradient(30.0, 40.0))
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (50.0, False, 1.0)


def test_clipping_by_value_cuts_components():
    parameters = with_gradient(3.0, -0.5)
    clipping = build_clip(max_norm=1.0, max_value=1.0)(parameters)
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (pytest.approx(math.sqrt(9.25)), True, 1.0)
    assert torch.equal(parameters[0].grad, torch.tensor([1.0, -0.5]))


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


def test_a_budget_is_filled_with_steps_and_evaluations():
    plan = steps_for_budget(budget_seconds=100.0, step_seconds=0.1, evaluation_seconds=0.5, evaluations=10)
    assert plan == (950, 10)


def test_evaluations_take_at_most_a_twentieth_of_a_budget():
    plan = steps_for_budget(budget_seconds=100.0, step_seconds=1.0, evaluation_seconds=8.0, evaluations=10)
    assert plan == (92, 1)


def test_a_budget_has_at_least_one_step_and_one_evaluation():
    plan = steps_for_budget(budget_seconds=1.0, step_seconds=50.0, evaluation_seconds=50.0, evaluations=10)
    assert plan == (1, 1)


@pytest.mark.parametrize(("epochs", "dropout"), [(0.1, 0.05), (10, 0.05), (18, 0.11), (30, 0.2), (1000, 0.25)])
def test_dropout_grows_with_the_number_of_epochs(epochs, dropout):
    assert default_dropout(epochs) == pytest.approx(dropout)


@pytest.mark.parametrize(
    ("cell", "width", "rate"), [("lstm", 8, 0.05), ("lstm", 192, 0.03), ("lstm", 768, 0.0106), ("gru", 192, 0.012)]
)
def test_wider_models_learn_more_slowly_by_default(cell, width, rate):
    assert default_learning_rate(ModelConfig(cell=cell), width) == pytest.approx(rate)
