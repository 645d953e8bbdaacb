"""Which arithmetic training uses: float32, or bfloat16 where the device has it natively."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from charlm.config import Precision


def resolve_precision(precision: Precision, device: torch.device) -> Literal["fp32", "bf16"]:
    """Returns the precision that 'auto' stands for on this device; others as they are."""
    if precision != "auto":
        return precision
    return "bf16" if _has_native_bf16(device) else "fp32"


def autocast(precision: Literal["fp32", "bf16"], device: torch.device) -> AbstractContextManager[object]:
    """Returns the context in which a forward pass runs; weights stay in float32."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _has_native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Without these instructions oneDNN emulates bfloat16, slower than float32.
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
