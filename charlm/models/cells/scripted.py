"""Steps through a window in TorchScript: they run without Python's lock.

In Python two groups of lanes wait for that lock at every operation (docs/experiments.md). TorchScript is deprecated
in torch 2.13; of its successors, `torch.compile` needs a C++ compiler where charlm runs. Without it, the same
functions would run in Python.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import torch


@functools.cache
def scripted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of tensors, compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        compiled: Callable[..., Any] = torch.jit.script(function)
    return compiled
