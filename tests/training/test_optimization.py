import math

import pytest
import torch
from torch import nn

from charlm.training.optimization import build_optimizer, learning_rate_at, shortened_warmup


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
