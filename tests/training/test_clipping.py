import math

import pytest
import torch
from torch import nn

from charlm.training.clipping import clip_gradient


def with_gradient(*values: float) -> list[nn.Parameter]:
    parameter = nn.Parameter(torch.zeros(len(values)))
    parameter.grad = torch.tensor(values)
    return [parameter]


def test_clipping_by_norm_divides_a_long_gradient_down_to_the_norm():
    clipping = clip_gradient(with_gradient(3.0, 4.0), max_norm=2.0, max_value=None)
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (5.0, True, 2.5)


def test_clipping_leaves_a_short_gradient_alone():
    clipping = clip_gradient(with_gradient(0.3, 0.4), max_norm=1.0, max_value=None)
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (pytest.approx(0.5), False, 1.0)


def test_norm_zero_turns_clipping_off():
    clipping = clip_gradient(with_gradient(30.0, 40.0), max_norm=0.0, max_value=None)
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (50.0, False, 1.0)


def test_clipping_by_value_cuts_components():
    parameters = with_gradient(3.0, -0.5)
    clipping = clip_gradient(parameters, max_norm=1.0, max_value=1.0)
    assert (clipping.norm, clipping.clipped, clipping.divisor) == (pytest.approx(math.sqrt(9.25)), True, 1.0)
    assert torch.equal(parameters[0].grad, torch.tensor([1.0, -0.5]))
