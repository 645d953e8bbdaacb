"""How torch is set while a model reads one symbol at a time, and set back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from charlm.models.base import LanguageModel

# Multiplications in one step below which waiting for a second thread costs more than it computes.
SMALL_STEP = 1 << 24


@contextmanager
def inference(model: LanguageModel) -> Iterator[None]:
    """Computes without gradients and dropout inside; the model's mode is set back at the end.

    Do not yield from a generator inside: what runs meanwhile would see the change.
    """
    # A model that is no module, as one that only counts, has no training mode.
    training = model if isinstance(model, nn.Module) and model.training else None
    if training is not None:
        training.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        if training is not None:
            training.train()


@contextmanager
def single_steps(*, num_threads: int) -> Iterator[None]:
    """Takes the fastest kernels for one symbol at a time: oneDNN off, and so many threads.

    oneDNN repacks a recurrent layer's weights at every call, which takes longer than the step itself
    (pytorch#94457, still so in torch 2.13). `torch.backends.mkldnn.flags` would do too, but also sets
    what it is not told to, and warns about it.
    """
    threads_before = torch.get_num_threads()
    enabled_before = torch.backends.mkldnn.enabled
    torch.set_num_threads(num_threads)
    _enable_onednn(False)
    try:
        yield
    finally:
        _enable_onednn(enabled_before)
        torch.set_num_threads(threads_before)


def threads_for_steps(model: LanguageModel, *, batch_size: int) -> int:
    """Returns how many threads to step with: one for a small step, otherwise as many as torch uses now."""
    num_parameters = sum(p.numel() for p in model.parameters()) if isinstance(model, nn.Module) else 0
    return 1 if num_parameters * batch_size <= SMALL_STEP else torch.get_num_threads()


def _enable_onednn(enabled: object) -> None:
    # A property at run time; torch declares it to be the class of the property.
    torch.backends.mkldnn.enabled = enabled  # type: ignore[assignment]
