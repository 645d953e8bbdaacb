"""Torch models as step models, for devices other than the CPU and for models without an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from charlm.models import base
from charlm.models.base import LanguageModel
from charlm.models.threads import using_threads
from charlm.stepping.base import Floats, State, Symbols

READING_CHUNK = 4096
"""The most symbols in one call of the model in `read`, which limits the memory for logits."""


@final
class TorchStepModel:
    """A torch model as a StepModel; no call changes the model's mode or torch's settings."""

    def __init__(self, model: LanguageModel, *, device: torch.device) -> None:
        self.vocabulary_size = model.vocabulary_size
        # torch rounds the product of several rows otherwise than that of one.
        self.exact_streams = 1
        self._model = model
        self._device = device

    def initial_state(self, batch_size: int) -> State:
        """Returns the state of `batch_size` streams before any symbol."""
        return _to_arrays(self._model.initial_state(batch_size))

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text."""
        current = _to_tensors(state, self._device)
        symbols = torch.from_numpy(tokens.astype(np.int64))[:, None].to(self._device)
        with inference(self._model):
            for start in range(0, len(symbols), READING_CHUNK):
                _, current = self._model(symbols[start : start + READING_CHUNK], current)
        return _to_arrays(current)

    def stepper(self, state: State) -> "TorchStepper":
        """Returns a stepper that continues from `state`, with the same number of streams."""
        return TorchStepper(self._model, _to_tensors(state, self._device), device=self._device)


@final
class TorchStepper:
    """Parallel streams of symbols that a torch model reads, one call for each step."""

    def __init__(self, model: LanguageModel, state: base.State, *, device: torch.device) -> None:
        self._model = model
        self._state = state
        self._device = device

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol `[batch]` in every stream and returns the logits `[batch, vocabulary]` of the next."""
        symbols = torch.from_numpy(tokens.astype(np.int64))[None].to(self._device)
        with inference(self._model), single_steps():
            logits, self._state = self._model(symbols, self._state)
            row: Floats = logits[0].float().cpu().numpy()
        return row

    def state(self) -> State:
        """Returns a copy of the state of all streams."""
        return _to_arrays(self._state)


@contextmanager
def inference(model: LanguageModel) -> Iterator[None]:
    """Turns gradients and dropout off inside the block, and restores the model's mode after it."""
    # A model that is not a module, such as an n-gram model, has no training mode.
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
def single_steps() -> Iterator[None]:
    """Turns oneDNN off inside the block, and takes one thread: several would wait for each other at every symbol.

    oneDNN repacks a recurrent layer's weights at every call, which takes longer than the step itself (pytorch#94457,
    still so in torch 2.13). `torch.backends.mkldnn.flags` is not used, as it changes other settings too and warns.
    """
    # A module whose flag is a property; torch declares it to be the class of the property.
    onednn: Any = torch.backends.mkldnn
    before, onednn.enabled = onednn.enabled, False
    try:
        with using_threads(1):
            yield
    finally:
        onednn.enabled = before


def _to_arrays(state: base.State) -> State:
    return tuple(part.detach().cpu().numpy().copy() for part in state)


def _to_tensors(state: State, device: torch.device) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(part.copy()).to(device) for part in state)
