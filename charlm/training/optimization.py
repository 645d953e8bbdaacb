"""The optimizer, and the learning rate as a pure function of the step."""

import math

import torch
from torch import nn


def learning_rate_at(step: int, progress: float, *, peak: float, final_share: float, warmup_steps: int) -> float:
    """Returns the learning rate of step `step` (counted from 0): linear warm-up, then cosine decay.

    Args:
        progress: share of the training done before the step. At its end, the rate has reached
            `peak * final_share` (Loshchilov and Hutter 2017, without restarts).
    """
    warmth = min(1.0, (step + 1) / (warmup_steps + 1))
    return peak * warmth * (final_share + (1.0 - final_share) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def shortened_warmup(warmup_steps: int, *, total_steps: int) -> int:
    """Returns how many steps the learning rate rises: as asked, but a tenth of a short training."""
    return min(warmup_steps, total_steps // 10)


def build_optimizer(
    model: nn.Module, *, learning_rate: float, beta1: float, beta2: float, weight_decay: float
) -> torch.optim.AdamW:
    """Returns AdamW (Loshchilov and Hutter 2019), fused; only matrices decay, not biases or norms."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    matrices = [(name, parameter) for name, parameter in named if parameter.ndim >= 2]
    vectors = [(name, parameter) for name, parameter in named if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(beta1, beta2), fused=True)
