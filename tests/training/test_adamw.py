import subprocess
import sys

import pytest
import torch
from torch import nn

from charlm.training.adamw import AdamW, build_optimizer


def make_parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (5,), (2, 2))]


def take_steps(optimizer, parameters: list[nn.Parameter], *, first: int, last: int) -> None:
    """Takes steps whose gradients and rates depend on their number alone; the third parameter has some only later."""
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        for number, parameter in enumerate(parameters):
            gradient = torch.randn(parameter.shape, generator=generator)
            parameter.grad = gradient if number < 2 or step >= 2 else None
        rate = 0.1 / (1 + step)
        if isinstance(optimizer, AdamW):
            optimizer.learning_rate = rate
        else:
            for group in optimizer.param_groups:
                group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()


def test_it_does_what_the_optimizer_of_torch_does():
    ours, theirs = make_parameters(), make_parameters()
    own = AdamW([([ours[0], ours[2]], 0.3), ([ours[1]], 0.0)], beta1=0.8, beta2=0.95)
    groups = [{"params": [theirs[0], theirs[2]], "weight_decay": 0.3}, {"params": [theirs[1]], "weight_decay": 0.0}]
    take_steps(own, ours, first=0, last=6)
    take_steps(torch.optim.AdamW(groups, lr=1.0, betas=(0.8, 0.95), fused=True), theirs, first=0, last=6)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)
        assert mine.grad is None


def test_the_first_step_is_worked_out_by_hand():
    # Both corrected moments are those of the one gradient: a step of the rate against its sign, after the decay.
    weight = nn.Parameter(torch.tensor([[2.0, -4.0]]))
    optimizer = AdamW([([weight], 0.5)], beta1=0.9, beta2=0.99)
    weight.grad = torch.tensor([[3.0, -0.1]])
    optimizer.learning_rate = 0.1
    optimizer.step()
    assert weight.tolist()[0] == pytest.approx([2.0 * 0.95 - 0.1, -4.0 * 0.95 + 0.1], abs=1e-6)


def test_what_was_stored_goes_on_as_if_it_had_never_stopped():
    whole, stopped = make_parameters(), make_parameters()
    take_steps(AdamW([(whole, 0.1)], beta1=0.9, beta2=0.99), whole, first=0, last=7)
    before = AdamW([(stopped, 0.1)], beta1=0.9, beta2=0.99)
    take_steps(before, stopped, first=0, last=3)
    stored = {name: tensor.clone() for name, tensor in before.tensors().items()}
    assert set(stored) == {f"{index}.{name}" for index in range(3) for name in ("exp_avg", "exp_avg_sq", "step")}
    after = AdamW([(stopped, 0.1)], beta1=0.9, beta2=0.99)
    after.restore(stored)
    take_steps(after, stopped, first=3, last=7)
    assert all(torch.equal(one, other) for one, other in zip(whole, stopped, strict=True))


def test_a_divisor_makes_the_gradient_smaller_first():
    divided, small = (AdamW([([nn.Parameter(torch.ones(3))], 0.1)], beta1=0.9, beta2=0.99) for _ in range(2))
    for optimizer, gradient, divisor in ((divided, 8.0, torch.tensor(4.0)), (small, 2.0, None)):
        (parameter,) = optimizer._groups[0][0]
        optimizer.learning_rate = 0.1
        parameter.grad = torch.full((3,), gradient)
        optimizer.step(divisor=divisor)
    for one, other in zip(divided.tensors().values(), small.tensors().values(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_skipped_step_leaves_everything_as_it_is():
    parameter = nn.Parameter(torch.ones(3))
    optimizer = AdamW([([parameter], 0.1)], beta1=0.9, beta2=0.99)
    optimizer.learning_rate = 0.1
    parameter.grad = torch.full((3,), torch.inf)
    optimizer.step(skipped=torch.tensor(1.0))
    assert torch.equal(parameter, torch.ones(3))
    assert all((tensor == 0).all() for tensor in optimizer.tensors().values())


def test_a_step_does_not_load_the_compiler():
    program = """
import sys, torch
from charlm.training.adamw import AdamW
weight = torch.nn.Parameter(torch.ones(2, 2))
optimizer = AdamW([([weight], 0.1)], beta1=0.9, beta2=0.99)
weight.grad = torch.ones(2, 2)
optimizer.step()
optimizer.zero_grad()
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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
