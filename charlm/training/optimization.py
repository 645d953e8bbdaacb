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
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    vectors = [parameter for parameter in parameters if parameter.ndim < 2]
    return AdamW([(matrices, weight_decay), (vectors, 0.0)], beta1=beta1, beta2=beta2)
