"""The factor on the loss that keeps float16 gradients from vanishing (Micikevicius et al. 2018)."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from charlm.training.state import LossScaleState

_FIRST_FACTOR = 2.0**16
_STEPS_TO_GROW = 2000


@final
class LossScale:
    """A power of two, halved when a gradient overflows and doubled when long none did; kept on the device.

    Attributes:
        factor: what the loss is multiplied by before the backward pass, float32 `[1]`.
        good_steps: steps since it last changed, int32 `[1]`.
    """

    def __init__(self, device: torch.device, *, factor: float = _FIRST_FACTOR, good_steps: int = 0) -> None:
        self.factor = torch.full((1,), factor, dtype=torch.float32, device=device)
        self.good_steps = torch.full((1,), good_steps, dtype=torch.int32, device=device)

    def unscale(self, gradients: Sequence[Tensor]) -> None:
        """Divides gradients of the scaled loss by the factor, in place."""
        torch._foreach_mul_(list(gradients), self.factor.reciprocal()[0])

    def after_step(self, skipped: Tensor) -> None:
        """Takes note of whether the step's gradient was not finite, float32: 1 if so, else 0."""
        torch._amp_update_scale_(self.factor, self.good_steps, skipped.reshape(1), 2.0, 0.5, _STEPS_TO_GROW)

    def state(self) -> LossScaleState:
        """Returns both as numbers."""
        return LossScaleState(float(self.factor), int(self.good_steps))

    def restore(self, state: LossScaleState) -> None:
        """Puts back what `state` returned."""
        self.factor.fill_(state.factor)
        self.good_steps.fill_(state.good_steps)
