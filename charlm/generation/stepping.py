"""How torch is set while a model reads one symbol at a time, and set back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from charlm.models.base import LanguageModel
from charlm.models.threads import using_threads


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
    before = torch.backends.mkldnn.enabled
    _enable_onednn(False)
    try:
        with using_threads(num_threads):
            yield
    finally:
        _enable_onednn(before)


def _enable_onednn(enabled: object) -> None:
    # A property at run time; torch declares it to be the class of the property.
    torch.backends.mkldnn.enabled = enabled  # type: ignore[assignment]
