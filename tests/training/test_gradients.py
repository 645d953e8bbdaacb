import torch
from torch import nn

from charlm.training.gradients import gradients_of


class TwoBiases(torch.autograd.Function):
    """A sum that gives both of its terms the same tensor as gradient, as recurrent layers do."""

    @staticmethod
    def forward(ctx, one, other):
        return one + other

    @staticmethod
    def backward(ctx, grad):
        return grad, grad


def parameters():
    return [nn.Parameter(torch.arange(3.0)), nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]


def test_gradients_are_those_of_backward():
    one, other, unused = parameters()
    (one**2 * other).sum().backward()
    gradients = gradients_of((one**2 * other).sum(), [one, other, unused])
    assert torch.equal(gradients[0], one.grad)
    assert torch.equal(gradients[1], other.grad)
    assert gradients[2] is unused.grad is None


def test_no_two_gradients_share_memory():
    one, other, _ = parameters()
    gradients = gradients_of(TwoBiases.apply(one, other).sum(), [one, other])
    gradients[0].mul_(2.0)
    assert gradients[0].tolist() == [2.0, 2.0, 2.0]
    assert gradients[1].tolist() == [1.0, 1.0, 1.0]
