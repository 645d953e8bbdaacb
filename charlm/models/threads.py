"""The number of torch's threads for a recurrent step: a small step is slower with several."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from charlm.models.base import LanguageModel

# Multiplications in one step below which waiting for a second thread costs more than it computes.
SMALL_STEP = 1 << 24


def threads_for_steps(model: LanguageModel, *, batch_size: int) -> int:
    """Returns how many threads to step with: one for a small step, otherwise as many as torch uses now.

    A recurrent layer waits for all threads at every symbol; where another process keeps a core busy, that
    wait made steps ten times slower than one thread takes for them (docs/experiments.md).
    """
    num_parameters = sum(p.numel() for p in model.parameters()) if isinstance(model, nn.Module) else 0
    return 1 if num_parameters * batch_size <= SMALL_STEP else torch.get_num_threads()


@contextmanager
def using_threads(num_threads: int) -> Iterator[None]:
    """Computes with so many threads inside, and with as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
