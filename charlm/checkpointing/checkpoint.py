"""A checkpoint: named torch tensors and JSON values in one file, whose format is in container.py."""

from pathlib import Path

import torch
from torch import Tensor

from charlm.checkpointing.container import Container, StoredTensor, read_container, write_container
from charlm.files.writing import write_atomically

Checkpoint = Container[Tensor]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the checkpoint to `path`; errors as in `write_atomically`."""
    tensors = {name: _stored(tensor.detach().cpu().contiguous()) for name, tensor in checkpoint.tensors.items()}
    write_atomically(path, write_container(tensors, checkpoint.values))


def read_checkpoint(path: Path) -> Checkpoint:
    """Returns the checkpoint of a run stored at `path`, on the CPU; errors as in `read_container`."""
    return restored(read_container(path, within=path.parent))


def restored(container: Container[StoredTensor]) -> Checkpoint:
    """Returns what a container holds as torch tensors, on the CPU and in the same memory."""
    tensors = {name: _restored(tensor) for name, tensor in container.tensors.items()}
    return Checkpoint(tensors=tensors, values=container.values)


def _stored(tensor: Tensor) -> StoredTensor:
    data = tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b""
    return StoredTensor(str(tensor.dtype), tuple(tensor.shape), data)


def _restored(stored: StoredTensor) -> Tensor:
    dtype: torch.dtype = getattr(torch, stored.dtype.removeprefix("torch."))
    numbers = torch.frombuffer(stored.data, dtype=dtype) if stored.data else torch.empty(0, dtype=dtype)
    return numbers.reshape(stored.shape)
