"""The factor on the loss that keeps float16 gradients from vanishing (Micikevicius et al. 2018)."""

from dataclasses import dataclass

_STEPS_TO_GROW = 2000


@dataclass
class LossScale:
    """A power of two, halved when a gradient overflows and doubled when long none did.

    Attributes:
        factor: what the loss is multiplied by before the backward pass, and gradients are divided by after it.
        good_steps: steps since it last changed.
    """

    factor: float = 2.0**16
    good_steps: int = 0

    def after_step(self, *, finite: bool) -> None:
        """Takes note of whether the step's gradient was finite."""
        self.good_steps = self.good_steps + 1 if finite else 0
        if not finite:
            self.factor /= 2.0
        elif self.good_steps == _STEPS_TO_GROW:
            self.factor, self.good_steps = 2.0 * self.factor, 0
