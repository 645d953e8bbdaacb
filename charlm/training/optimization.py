"""The optimizer, and the learning rate schedule as a function of the step."""

import math

from torch import nn

from charlm.training.adamw import AdamW


def learning_rate_at(step: int, progress: float, *, peak: float, final_share: float, warmup_steps: int) -> float:
    """Returns the learning rate of step `step` (counted from 0): linear warm-up, then cosine decay.

    Args:
        progress: share of the training done before the step, 0 to 1. The learning rate at 1 is
            `peak * final_share` (Loshchilov and Hutter 2017, without restarts).
    """
    warmth = min(1.0, (step + 1) / (warmup_steps + 1))
    return peak * warmth * (final_share + (1.0 - final_share) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def shortened_warmup(warmup_steps: int, *, total_steps: int) -> int:
    """Returns the number of warm-up steps, limited to a tenth of the training."""
    return min(warmup_steps, total_steps // 10)


def build_optimizer(model: nn.Module, *, beta1: float, beta2: float, weight_decay: float) -> AdamW:
    """Returns AdamW with weight decay for matrices, and none for biases and norms."""
    parameters = dict(model.named_parameters())
    ordered = [parameters[name] for name in parameter_names(model)]
    matrices = [parameter for parameter in ordered if parameter.ndim >= 2]
    return AdamW([(matrices, weight_decay), (ordered[len(matrices) :], 0.0)], beta1=beta1, beta2=beta2)


def parameter_names(model: nn.Module) -> list[str]:
    """Returns the names of the parameters that are trained, in the order of the optimizer: matrices first."""
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [name for name, _ in sorted(trained, key=lambda each: each[1].ndim < 2)]
