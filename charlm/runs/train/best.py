"""best.safetensors: the best model of a training, with what its record says."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.evaluation.score import Score
from charlm.models.base import LanguageModel
from charlm.models.build import arrays_of
from charlm.runs.stored.record import MODEL, SYMBOL_COUNTS, FinalScores, ModelRecord, read_record


def write_model(path: Path, model: LanguageModel, record: ModelRecord, symbol_counts: NDArray[np.int64]) -> None:
    """Writes a model with what its record says.

    Raises:
        CheckpointError: it cannot be written; the one before is kept.
    """
    tensors = {f"{MODEL}.{name}": torch.from_numpy(array) for name, array in arrays_of(model).items()}
    tensors[SYMBOL_COUNTS] = torch.from_numpy(symbol_counts)
    write_checkpoint(path, Checkpoint(tensors, record.to_values()))


def store_scores(path: Path, scores: Mapping[str, Score], *, exact: bool) -> None:
    """Writes the final scores of a stored model into its file: a better model that takes its place has none yet.

    Args:
        scores: by "validation" and "test", as far as there are such texts.

    Raises:
        CheckpointError: the file is damaged, or cannot be written.
    """
    stored = read_checkpoint(path)
    final = FinalScores(**{split: score.to_json() for split, score in scores.items()}, exact=exact)
    record = read_record(ModelRecord, stored.values, source=str(path)).model_copy(update={"final": final})
    write_checkpoint(path, Checkpoint(stored.tensors, record.to_values()))
