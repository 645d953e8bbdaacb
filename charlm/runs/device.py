"""Which device a run computes on."""

import torch

from charlm.config import Device
from charlm.errors import ConfigError


def resolve_device(device: Device) -> torch.device:
    """Returns the device of a setting; 'auto' takes CUDA, then MPS, then the CPU; a missing one is a ConfigError."""
    if device == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return found if found is not None and found.type in ("cuda", "mps") else torch.device("cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ConfigError(f"{device!r} is not a device; it should be auto, cpu, cuda, cuda:N or mps.") from None
    if chosen.type == "cuda" and not (torch.cuda.is_available() and (chosen.index or 0) < torch.cuda.device_count()):
        raise ConfigError(f"--device {device} is not available: torch sees {torch.cuda.device_count()} CUDA devices.")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("--device mps is not available on this machine.")
    return chosen
