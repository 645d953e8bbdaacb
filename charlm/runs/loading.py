"""A stored model brought back to life: from a run, or from a best.safetensors alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint
from charlm.checkpointing.run_folder import find_run
from charlm.config import RunConfig, validate
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import from_json
from charlm.errors import CharlmError, CheckpointError
from charlm.models.build import build_model, load_weights
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.runs.workspace import Workspace


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to sample and score, with what it was made from.

    Attributes:
        values: the checkpoint's other values (step, corpus, split, scores).
        symbol_counts: how often each symbol was a target in the training text.
    """

    name: str
    config: RunConfig
    tokenizer: Tokenizer
    model: RecurrentLanguageModel
    values: dict[str, Any]
    symbol_counts: NDArray[np.int64]


def load_model(run: str, workspace: Workspace, *, device: torch.device) -> LoadedModel:
    """Returns the best model of a run, given by name, folder, or checkpoint file.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
    """
    path = Path(run)
    if path.is_file():
        return model_from(path, read_checkpoint(path), name=path.parent.name or path.stem, device=device)
    folder = find_run(run, workspace.checkpoints)
    if not folder.best.exists():
        raise CheckpointError(
            f"Run '{folder.name}' has no model yet: it was stopped before its first evaluation. "
            f"Go on with it: charlm train --resume {run}"
        )
    return model_from(folder.best, read_checkpoint(folder.best), name=folder.name, device=device)


def model_from(path: Path, checkpoint: Checkpoint, *, name: str, device: torch.device) -> LoadedModel:
    """Returns the model that a checkpoint holds, in evaluation mode.

    Raises:
        CheckpointError: its values are not what a checkpoint of charlm holds.
    """
    values = dict(checkpoint.values)
    try:
        config = validate(RunConfig, values["config"], source=f"'{path}'")
        tokenizer = from_json(values["tokenizer"])
        counts = checkpoint.tensors["corpus.symbol_counts"].numpy()
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"Checkpoint '{path}' lacks {error}; it was not written by charlm.") from None
    except CheckpointError:
        raise
    except CharlmError as error:
        raise CheckpointError(f"Checkpoint {error}") from None
    weights = checkpoint.section("model")
    # Checked before anything is built: a damaged configuration must not make charlm ask for all memory.
    stored = weights.get("embedding.weight")
    width = config.model.embedding_size or config.model.hidden_size
    if stored is None or tuple(stored.shape) != (tokenizer.vocabulary_size, width):
        raise CheckpointError(f"The weights in '{path}' do not fit the model they are stored with.")
    model = build_model(config.model, vocabulary_size=tokenizer.vocabulary_size)
    load_weights(model, weights, source=str(path))
    return LoadedModel(name, config, tokenizer, model.to(device).eval(), values, counts)
