"""A checkpoint: named tensors and JSON values in one safetensors file, checked on the way in.

The file's metadata holds four strings: `format` (always "charlm"), `version`, `values` (everything
that is not a tensor, as JSON) and `sha256` (over the values and every tensor's name, type, shape and
bytes, because safetensors itself does not notice flipped bits). No pickle is written or read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from charlm.checkpointing.atomic import write_atomically
from charlm.errors import CheckpointError

FORMAT = "charlm"
VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by dotted name, and JSON values."""

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]

    def section(self, name: str) -> dict[str, Tensor]:
        """Returns the tensors named `name.*`, without that prefix."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): tensor for key, tensor in self.tensors.items() if key.startswith(prefix)}


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the checkpoint to `path`, atomically.

    Raises:
        CheckpointError: the file cannot be written; what was there before is untouched.
    """
    # A copy of its own for every tensor: safetensors refuses tensors that share memory, as tied weights do.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in checkpoint.tensors.items()}
    values = json.dumps(checkpoint.values, sort_keys=True, ensure_ascii=False, allow_nan=False)
    metadata = {"format": FORMAT, "version": str(VERSION), "values": values, "sha256": _digest(tensors, values)}
    write_atomically(path, safetensors.torch.save(tensors, metadata))


def read_checkpoint(path: Path) -> Checkpoint:
    """Returns the checkpoint stored at `path`, on the CPU.

    Raises:
        CheckpointError: there is none, or it is damaged, foreign, or of another format version.
    """
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            _require_format(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except FileNotFoundError:
        raise CheckpointError(f"There is no checkpoint '{path}'.") from None
    except OSError as error:
        raise CheckpointError(f"Cannot read checkpoint '{path}': {error.strerror or error}.") from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"Checkpoint '{path}' is damaged or not a checkpoint ({error}).") from None
    if metadata.get("sha256") != _digest(tensors, metadata.get("values", "")):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its content does not match its checksum.")
    try:
        values = json.loads(metadata["values"])
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its values are not a JSON object.")
    return Checkpoint(tensors=tensors, values=values)


def _require_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is a safetensors file, but not a checkpoint of charlm.")
    version = metadata.get("version")
    if version != str(VERSION):
        raise CheckpointError(
            f"Checkpoint '{path}' has format version {version}, this charlm reads version {VERSION}; "
            "use the charlm that wrote it, or train again."
        )


def _digest(tensors: Mapping[str, Tensor], values: str) -> str:
    digest = hashlib.sha256(values.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
