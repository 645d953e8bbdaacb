"""A stored model as it lies on disk, checked: from a run, or from a checkpoint file alone; without torch."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.checkpointing.container import StoredTensor, read_container
from charlm.checkpointing.run_folder import find_run, run_folder_at
from charlm.config import RunConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.stored.numbers import require_model_numbers
from charlm.runs.stored.record import (
    MODEL,
    SYMBOL_COUNTS,
    ModelRecord,
    network_alone,
    read_record,
    section,
)
from charlm.runs.stored.tensors import require_model_tensors
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS


@dataclass(frozen=True, kw_only=True)
class ModelOfRun(ABC):
    """The best model of a run, in whichever form, with what it was made from.

    Attributes:
        symbol_counts: how often each symbol was a target in the training text.
    """

    name: str
    record: ModelRecord
    symbol_counts: NDArray[np.int64]

    @property
    def config(self) -> RunConfig:
        """The settings of its run."""
        return self.record.config

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to symbols and back."""
        return self.record.tokenizer


@final
@dataclass(frozen=True, kw_only=True)
class StoredModel(ModelOfRun):
    """A model as its weights.

    Attributes:
        weights: named as the model's modules name them.
        source: the file they are from.
    """

    weights: Mapping[str, NDArray[Any]]
    source: Path


def read_model(run: str, workspace: Workspace) -> StoredModel:
    """Returns the best language model of a run, given by name, folder, or checkpoint file.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
        ConfigError: its model labels examples.
    """
    stored = read_any_model(run, workspace)
    require_text_model(stored)
    return stored


def read_any_model(run: str, workspace: Workspace) -> StoredModel:
    """Returns the best model of a run, one that labels examples, too; arguments and other errors as in `read_model`."""
    path = Path(run)
    if path.is_file():
        around = run_folder_at(path.parent)
        return read_model_file(path, name=around.name if around.name and around.config_file.exists() else path.stem)
    folder = find_run(run, workspace.checkpoints)
    if not folder.best.exists():
        raise CheckpointError(
            f"Run '{folder.name}' has no model yet: it was stopped before its first evaluation, or its "
            f"best.safetensors was removed, which charlm verify {quote(run)} tells. "
            f"Go on with it: charlm train --resume {quote(run)}"
        )
    return read_model_file(folder.best, name=folder.name, within=folder.path)


def read_newest_model(
    run: str, workspace: Workspace, *, with_conditions: bool = False
) -> tuple[StoredModel, str | None]:
    """Returns the best language model of a run; before there is one, that of its last state, and a sentence about that.

    Args:
        with_conditions: whether it may be one that writes on a condition.

    Raises:
        CheckpointError: as in `read_model`.
        ConfigError: as in `read_model`.
    """
    stored, note = read_any_newest_model(run, workspace)
    require_text_model(stored, with_conditions=with_conditions)
    return stored, note


def read_any_newest_model(run: str, workspace: Workspace) -> tuple[StoredModel, str | None]:
    """Returns what `read_newest_model` does, also where the model labels examples."""
    if Path(run).is_file():
        return read_any_model(run, workspace), None
    folder = find_run(run, workspace.checkpoints)
    if folder.best.exists() or not folder.last.exists():
        return read_any_model(run, workspace), None
    container = read_container(folder.last, within=folder.path)
    record, tensors = read_record(ModelRecord, container.values, source=str(folder.last)), container.tensors
    alone = ""
    if record.config.model.mixed_order is not None:
        record, tensors = record.without_mix(), network_alone(tensors)
        alone = ", its network without the n-grams"
    note = f"Run '{folder.name}' has no best model yet; this is its state after step {record.step:,}{alone}."
    return model_of(folder.last, record, tensors, name=folder.name), note


def require_text_model(model: ModelOfRun, *, with_conditions: bool = False) -> None:
    """Checks that a model continues text.

    Args:
        with_conditions: whether it may write on a condition.

    Raises:
        ConfigError: it was trained for a task.
    """
    name = model.config.data.task
    if name is None or (with_conditions and model.tokenizer.outputs is None):
        return
    task, run = TASKS[name], quote(model.name)
    commands = " or ".join(f"charlm {command.format(run=run)}" for command in task.next_commands)
    raise ConfigError(
        f"Run '{model.name}' {task.description} examples and continues no text, as this needs; it is for {commands}."
    )


def read_model_file(path: Path, *, name: str, within: Path | None = None) -> StoredModel:
    """Returns the model in a checkpoint file.

    Args:
        within: a folder that a link must not lead out of; None where links may lead anywhere.

    Raises:
        CheckpointError: it is damaged or foreign.
    """
    container = read_container(path, within=within)
    record = read_record(ModelRecord, container.values, source=str(path))
    if record.config.model.mixed_order is not None and not section(container.tensors, f"{MODEL}.ngrams"):
        raise CheckpointError(
            f"'{path}' is a state of a training, which is kept without the n-grams that are mixed in; "
            "name the run, or its best.safetensors."
        )
    return model_of(path, record, container.tensors, name=name)


def model_of(path: Path, record: ModelRecord, tensors: Mapping[str, StoredTensor], *, name: str) -> StoredModel:
    """Returns the model in the tensors of a checkpoint whose record is known.

    Raises:
        CheckpointError: a tensor is missing, of another shape, or has numbers that no model has.
    """
    described = {key: (tensor.dtype, tensor.shape) for key, tensor in tensors.items()}
    require_model_tensors(record, described, source=str(path))
    counts = tensors[SYMBOL_COUNTS].to_array()
    weights = {key: tensor.to_array() for key, tensor in section(tensors, MODEL).items()}
    require_model_numbers(counts, weights, source=str(path))
    return StoredModel(name=name, record=record, symbol_counts=counts, weights=weights, source=path)
