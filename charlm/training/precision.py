"""The arithmetic of training: float32, or 16 bits on devices with native 16-bit arithmetic, with a scaled loss."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, final

import torch
from torch import Tensor

from charlm.cells import CELLS
from charlm.config import ModelConfig, Precision
from charlm.errors import ConfigError
from charlm.training.state import LossScaleState

Arithmetic = Literal["fp32", "bf16", "fp16"]

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

_FIRST_STATE = LossScaleState(factor=2.0**16, good_steps=0)
_STEPS_TO_GROW = 2000


def resolve_precision(precision: Precision, device: torch.device, model: ModelConfig) -> Arithmetic:
    """Returns the arithmetic of a setting on this device.

    Raises:
        ConfigError: float16 is set for a device other than CUDA, or bfloat16 for a model that this processor cannot
            compute in it.
    """
    if precision == "auto":
        return _fast_arithmetic(device)
    if precision == "fp16" and device.type != "cuda":
        raise ConfigError(f"--precision fp16 is for CUDA devices, not for {device.type}; leave it out.")
    if precision == "bf16" and not _has_bfloat16(device, model):
        raise ConfigError(
            f"--precision bf16 with the cell {model.cell} needs a processor with AVX-512; leave it out, or take fp32."
        )
    return precision


def precision_on_resuming(stored: Arithmetic, device: torch.device, model: ModelConfig) -> Arithmetic:
    """Returns the arithmetic of a resumed run, whose device may have changed."""
    is_there = device.type == "cuda" if stored == "fp16" else stored == "fp32" or _has_bfloat16(device, model)
    return stored if is_there else _fast_arithmetic(device)


def autocast(precision: Arithmetic, device: torch.device) -> AbstractContextManager[object]:
    """Returns the context for a forward pass; weights stay in float32."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def _has_bfloat16(device: torch.device, model: ModelConfig) -> bool:
    if device.type != "cpu" or model.model != "recurrent" or not CELLS[model.cell].uses_onednn:
        return True
    is_built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return not is_built or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _fast_arithmetic(device: torch.device) -> Arithmetic:
    if device.type == "cuda":
        # Tensor cores came with capability 7. float16 is the only arithmetic for which cuDNN keeps a layer's recurrent
        # weights on the chip from step to step.
        return "fp16" if torch.cuda.get_device_capability(device)[0] >= 7 else "fp32"
    if device.type == "cpu":
        # Without these instructions oneDNN emulates bfloat16, slower than float32; its settings may also disable them.
        has_instructions = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if has_instructions and torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"
    return "fp32"


@final
class LossScale:
    """A power of two that multiplies the loss, so that float16 gradients do not vanish (Micikevicius et al. 2018).

    It is halved when a gradient overflows, and doubled after 2,000 good steps.

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
        """Updates the factor after a step; `skipped`, float32 `[]`, is 1 if its gradient was not finite, else 0."""
        torch._amp_update_scale_(self.factor, self.good_steps, skipped.reshape(1), 2.0, 0.5, _STEPS_TO_GROW)

    def state(self) -> LossScaleState:
        """Returns the factor and the number of good steps as Python numbers."""
        return LossScaleState(float(self.factor), int(self.good_steps))
