"""The optimizer, and the learning rate as a pure function of the step."""

import math

from torch import nn

from charlm.training.adamw import AdamW


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


def build_optimizer(model: nn.Module, *, beta1: float, beta2: float, weight_decay: float) -> AdamW:
    """Returns AdamW; only matrices decay, not biases or norms."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    vectors = [parameter for parameter in parameters if parameter.ndim < 2]
    return AdamW([(matrices, weight_decay), (vectors, 0.0)], beta1=beta1, beta2=beta2)
