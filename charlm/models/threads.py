"""The number of torch's threads, set for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def using_threads(num_threads: int) -> Iterator[None]:
    """Computes with so many threads inside, and with as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
