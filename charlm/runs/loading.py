"""A stored model brought back to life as a torch module."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.checkpoint import Checkpoint
from charlm.config import RunConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.models.base import LanguageModel, Network
from charlm.models.build import restore_model
from charlm.runs.stored import StoredModel, read_model, stored_model
from charlm.runs.workspace import Workspace


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to sample and score, with what it was made from.

    Attributes:
        device: where it computes.
        values: the checkpoint's other values (step, corpus, split, scores).
        symbol_counts: how often each symbol was a target in the training text.
    """

    name: str
    config: RunConfig
    tokenizer: Tokenizer
    model: LanguageModel
    device: torch.device
    values: dict[str, Any]
    symbol_counts: NDArray[np.int64]


def load_model(run: str, workspace: Workspace, *, device: torch.device) -> LoadedModel:
    """Returns the best model of a run, given by name, folder, or checkpoint file, in evaluation mode.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
    """
    return build_stored(read_model(run, workspace), device=device)


def model_from(path: Path, checkpoint: Checkpoint, *, name: str, device: torch.device) -> LoadedModel:
    """Returns the model that a checkpoint, read from `path`, holds, in evaluation mode.

    Raises:
        CheckpointError: its values are not what a checkpoint of charlm holds.
    """
    held = {key: tensor.numpy() for key, tensor in checkpoint.tensors.items() if key.startswith(("model.", "corpus."))}
    return build_stored(stored_model(path, held, checkpoint.values, name=name), device=device)


def build_stored(stored: StoredModel, *, device: torch.device) -> LoadedModel:
    """Returns a stored model ready to use on `device`, in evaluation mode.

    Raises:
        CheckpointError: its weights are not those of the model that its configuration describes.
    """
    model = restore_model(
        stored.config.model,
        stored.weights,
        vocabulary_size=stored.tokenizer.vocabulary_size,
        source=str(stored.source),
    )
    if isinstance(model, Network):
        model.to(device).eval()
    return LoadedModel(stored.name, stored.config, stored.tokenizer, model, device, stored.values, stored.symbol_counts)
