"""A stored model as it lies on disk, checked: from a run, or from a best.safetensors alone; without torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.checkpointing.container import read_container
from charlm.checkpointing.run_folder import find_run
from charlm.config import ModelConfig, RunConfig, validate
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import from_json
from charlm.errors import CharlmError, CheckpointError
from charlm.runs.workspace import Workspace


@dataclass(frozen=True)
class StoredModel:
    """A model's weights, with what they were made from.

    Attributes:
        weights: named as the model's modules name them.
        source: the file they are from.
        values: the checkpoint's other values (step, corpus, split, scores).
        symbol_counts: how often each symbol was a target in the training text.
    """

    name: str
    config: RunConfig
    tokenizer: Tokenizer
    weights: Mapping[str, NDArray[Any]]
    source: Path
    values: dict[str, Any]
    symbol_counts: NDArray[np.int64]


def read_model(run: str, workspace: Workspace) -> StoredModel:
    """Returns the best model of a run, given by name, folder, or checkpoint file.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
    """
    path = Path(run)
    if path.is_file():
        return _read(path, name=path.parent.name or path.stem)
    folder = find_run(run, workspace.checkpoints)
    if not folder.best.exists():
        raise CheckpointError(
            f"Run '{folder.name}' has no model yet: it was stopped before its first evaluation. "
            f"Go on with it: charlm train --resume {run}"
        )
    return _read(folder.best, name=folder.name, within=folder.path)


def stored_model(
    path: Path, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any], *, name: str
) -> StoredModel:
    """Returns the model in the arrays and values of the checkpoint at `path`.

    Raises:
        CheckpointError: they are not what a checkpoint of charlm holds.
    """
    try:
        config = validate(RunConfig, values["config"], source=f"'{path}'")
        tokenizer = from_json(values["tokenizer"])
        counts = arrays["corpus.symbol_counts"]
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"Checkpoint '{path}' lacks {error}; it was not written by charlm.") from None
    except CheckpointError:
        raise
    except CharlmError as error:
        raise CheckpointError(f"Checkpoint {error}") from None
    if config.model.mixed_order is not None and not any(key.startswith("model.ngrams.") for key in arrays):
        raise CheckpointError(
            f"'{path}' is a state of a training, which is kept without the n-grams that are mixed in; "
            "name the run, or its best.safetensors."
        )
    prefix = "model."
    weights = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
    shapes = {key: array.shape for key, array in weights.items()}
    require_plausible(config.model, shapes, vocabulary_size=tokenizer.vocabulary_size, source=path)
    return StoredModel(name, config, tokenizer, weights, path, dict(values), counts)


def require_plausible(
    model: ModelConfig, shapes: Mapping[str, tuple[int, ...]], *, vocabulary_size: int, source: Path
) -> None:
    """Returns if a model with these settings is not far larger than the arrays that were stored with them.

    To be asked before it is built: settings that are damaged, or that somebody else wrote, must not make charlm
    ask for all memory. Whether every array fits is found out when they are put into the model.

    Raises:
        CheckpointError: it is.
    """
    if model.model == "ngram":
        return
    prefix = "" if model.mixed_order is None else "network."
    width, hidden = model.embedding_size or model.hidden_size, model.hidden_size
    least = (model.num_layers - 1) * hidden**2 + vocabulary_size * hidden
    if model.model == "mlp":
        least += model.window * width * hidden
    elif model.cell != "jordan":
        least += hidden**2
    stored = sum(math.prod(shape) for name, shape in shapes.items() if name.startswith(prefix))
    if shapes.get(f"{prefix}embedding.weight") != (vocabulary_size, width) or stored < least:
        raise CheckpointError(f"The weights in '{source}' do not fit the model they are stored with.")


def _read(path: Path, *, name: str, within: Path | None = None) -> StoredModel:
    container = read_container(path, within=within)
    arrays = {key: tensor.to_array() for key, tensor in container.tensors.items()}
    return stored_model(path, arrays, container.values, name=name)
