"""Loss scaling, which keeps float16 gradients from vanishing (Micikevicius et al. 2018)."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from charlm.training.state import LossScaleState

_FIRST_STATE = LossScaleState(factor=2.0**16, good_steps=0)
_STEPS_TO_GROW = 2000


@final
class LossScale:
    """A power of two that multiplies the loss: halved when a gradient overflows, doubled after 2,000 good steps.

    Attributes:
        factor: factor of the loss in the backward pass, float32 `[1]`, on the device.
        good_steps: steps since the factor last changed, int32 `[1]`, on the device.
    """

    def __init__(self, device: torch.device, state: LossScaleState = _FIRST_STATE) -> None:
        self.factor = torch.full((1,), state.factor, dtype=torch.float32, device=device)
        self.good_steps = torch.full((1,), state.good_steps, dtype=torch.int32, device=device)

    def unscale(self, gradients: Sequence[Tensor]) -> None:
        """Divides gradients of the scaled loss by the factor, in place."""
        torch._foreach_mul_(list(gradients), self.factor.reciprocal()[0])

    def after_step(self, skipped: Tensor) -> None:
        """Updates the factor after a step.

        Args:
            skipped: float32 `[]`; 1 if the step's gradient was not finite, else 0.
        """
        torch._amp_update_scale_(self.factor, self.good_steps, skipped.reshape(1), 2.0, 0.5, _STEPS_TO_GROW)

    def state(self) -> LossScaleState:
        """Returns the factor and the number of good steps as Python numbers."""
        return LossScaleState(float(self.factor), int(self.good_steps))
