"""The model that a file is compressed with: what tells it from others, and where it is found again."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from charlm.checkpointing.container import read_described
from charlm.checkpointing.run_folder import find_run, list_runs
from charlm.compression.codec import Coding
from charlm.compression.container import Header
from charlm.data.tokenizers.build import fingerprint
from charlm.errors import CheckpointError
from charlm.runs.stored.model import StoredModel, read_model
from charlm.runs.stored.record import ModelRecord, RunRecord, read_record
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_adaptive, build_step_model

_IDENTITY_BYTES = 16


def coding_of(stored: StoredModel, *, adapts: bool = False) -> Coding:
    """Returns what codes with a stored model, without torch; errors as in `build_step_model`.

    Args:
        adapts: whether the model learns from what it codes.
    """
    tokenizer, config = stored.tokenizer, stored.config.model
    known: dict[str, Any] = {"vocabulary_size": tokenizer.vocabulary_size, "source": str(stored.source)}
    model: StepModel
    if adapts:
        known |= {"begin": tokenizer.begin, "end": tokenizer.end, "line_end": tokenizer.line_end}
        model = build_adaptive(config, stored.weights, **known)
    else:
        model = build_step_model(config, stored.weights, **known)
    return Coding(model, tokenizer, stored.config.data, adapts)


def digest_of(stored: StoredModel) -> bytes:
    """Returns 16 bytes that are equal for equal models with equal tokenizers alone."""
    settings = stored.config.model.model_dump(mode="json", exclude_defaults=True)
    digest = hashlib.sha256(json.dumps([settings, fingerprint(stored.tokenizer)], sort_keys=True).encode())
    for name, array in sorted(stored.weights.items()):
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()[:_IDENTITY_BYTES]


def identity_of(record: RunRecord) -> bytes:
    """Returns the identity of a run; zeros where it has none."""
    identity = record.provenance.identity
    return bytes(_IDENTITY_BYTES) if identity is None else bytes.fromhex(identity)


def find_model(header: Header, run: str | None, workspace: Workspace, *, file: Path) -> StoredModel:
    """Returns the model that a file was compressed with.

    Raises:
        CheckpointError: it is not there.
    """
    if run is not None:
        stored = read_model(run, workspace)
        if digest_of(stored) == header.model:
            return stored
        raise CheckpointError(
            f"'{file}' was compressed with the model of the run '{header.run}', and '{run}' has another; name the run "
            "that has it, or its best.safetensors."
        )
    names = list_runs(workspace.checkpoints)
    named = [name for name in names if name == header.run or name.endswith(f"/{header.run}")]
    others = [name for name in names if name not in named and _stored_identity(name, workspace) == header.identity]
    for name in (*named, *others):
        try:
            stored = read_model(name, workspace)
        except CheckpointError:
            continue
        if digest_of(stored) == header.model:
            return stored
    where = f"under '{workspace.checkpoints}'"
    changed = "has changed since, as by a training that went on" if named else f"is not {where}"
    raise CheckpointError(
        f"'{file}' was compressed with the model of the run '{header.run}', which {changed}; name a run that has that "
        "model, or its best.safetensors, with --run."
    )


def _stored_identity(run: str, workspace: Workspace) -> bytes | None:
    folder = find_run(run, workspace.checkpoints)
    try:
        values = read_described(folder.best, within=folder.path).values
        return identity_of(read_record(ModelRecord, values, source=str(folder.best)))
    except CheckpointError:
        return None
