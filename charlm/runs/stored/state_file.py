"""The file of a state, read and checked as far as can be without its text and without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from charlm.checkpointing.container import Container, StoredTensor, read_container
from charlm.errors import CheckpointError
from charlm.runs.stored.numbers import require_model_numbers, require_state_numbers
from charlm.runs.stored.record import (
    AVERAGE,
    MODEL,
    OPTIMIZER,
    STATE,
    SYMBOL_COUNTS,
    StateRecord,
    read_record,
    section,
)
from charlm.runs.stored.tensors import require_state_tensors


def read_state_file(path: Path) -> tuple[StateRecord, Container[StoredTensor]]:
    """Returns what the state of a run at `path` says and holds.

    Raises:
        CheckpointError: it is damaged, not there, or no state of a training.
    """
    container = read_container(path, within=path.parent)
    if "trainer" not in container.values:
        raise CheckpointError(f"Checkpoint '{path}' cannot be resumed: it is a model, not a state of a training.")
    record = read_record(StateRecord, container.values, source=str(path))
    described = {name: (tensor.dtype, tensor.shape) for name, tensor in container.tensors.items()}
    require_state_tensors(record, described, source=str(path))
    _require_numbers(record, container.tensors, source=str(path))
    return record, container


def _require_numbers(record: StateRecord, tensors: Mapping[str, StoredTensor], *, source: str) -> None:
    def arrays(name: str) -> dict[str, NDArray[Any]]:
        # Converted, one that nothing asks for could take all memory.
        found = section(tensors, name).items()
        return {each: tensor.to_array() for each, tensor in found if tensor.dtype == "torch.float32"}

    for weights in (arrays(MODEL), arrays(AVERAGE)):
        require_model_numbers(tensors[SYMBOL_COUNTS].to_array(), weights, source=source)
    carried = {name: tensor.to_array() for name, tensor in section(tensors, STATE).items()}
    if record.config.model.mixed_order is not None:
        del carried[contexts_of(tensors)]  # Their range is known when the text has been counted again.
    size = record.tokenizer.vocabulary_size
    require_state_numbers(arrays(OPTIMIZER), carried, vocabulary_size=size, source=source)


def contexts_of(tensors: Mapping[str, Any]) -> str:
    """Returns the name of the n-grams' contexts, which are carried after all else."""
    return str(len(section(tensors, STATE)) - 1)
