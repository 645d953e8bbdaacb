"""A model for others, as `charlm export hub` writes it: a checkpoint, and what it says once more for other programs."""

from collections.abc import Iterator
from typing import Any

from charlm.checkpointing.container import StoredTensor, write_container
from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError
from charlm.files.errors import read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.runs.stored.model import StoredModel
from charlm.runs.stored.record import MODEL, SYMBOL_COUNTS, RunRecord

MODEL_TYPE = "charlm"
"""What config.json calls the kind of model."""

_MOST_CONFIG_BYTES = 1 << 20


def model_file(stored: StoredModel) -> Iterator[bytes | memoryview]:
    """Yields model.safetensors in pieces: the checkpoint that the model is from, in the newest format."""
    tensors = {f"{MODEL}.{name}": StoredTensor.from_array(array) for name, array in stored.weights.items()}
    counts = {SYMBOL_COUNTS: StoredTensor.from_array(stored.symbol_counts)}
    return write_container(tensors | counts, stored.record.to_values())


def config_values(record: RunRecord) -> dict[str, Any]:
    """Returns what config.json says: all values of the checkpoint but its tokenizer, which has a file of its own."""
    values = {name: value for name, value in record.to_values().items() if name != "tokenizer"}
    return {"model_type": MODEL_TYPE, "vocabulary_size": record.tokenizer.vocabulary_size, **values}


def require_config(folder: RunFolder, record: RunRecord) -> None:
    """Raises a CheckpointError unless config.json says what the checkpoint beside it says."""
    path = folder.config_file
    with read_errors_as(CheckpointError, path, refusal="does not hold the settings of a model"):
        found = parse_json(read_bounded(path, most_bytes=_MOST_CONFIG_BYTES, within=folder.path))
    if found != config_values(record):
        raise CheckpointError(f"'{path}' does not say what '{folder.best}' says, which counts; export it again.")
