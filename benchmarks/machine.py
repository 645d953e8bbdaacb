"""What a measurement is made on: told in one line, so that no figure is quoted without it, and kept the same."""

import os
import platform
from importlib import metadata
from pathlib import Path


def describe_machine(device: str = "cpu") -> str:
    """Returns the GPU, if `device` is one, the processor and its cores that this process may use, and the versions."""
    parts = [
        _processor(),
        f"{_num_cores()} cores",
        f"Python {platform.python_version()}",
        f"torch {metadata.version('torch')}",
    ]
    if device.startswith("cuda"):
        import torch  # Imported here because nothing else in this module takes a second.

        parts.insert(0, torch.cuda.get_device_name(device))
    return ", ".join(parts)


def thread_environment(num_threads: int) -> dict[str, str]:
    """Returns the environment of a process whose torch computes with so many threads."""
    return os.environ | {"OMP_NUM_THREADS": str(num_threads)}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
