"""The file format of a checkpoint, checked when it is read: named arrays and JSON values, without torch.

It is a safetensors file. Its metadata holds four strings: `format` (always "charlm"), `version`, `values`
(everything that is not a tensor, as JSON) and `sha256` (over the values and every tensor's name, type,
shape and bytes, because safetensors itself does not notice flipped bits). No pickle is written or read.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from charlm.errors import CheckpointError
from charlm.files.errors import UntrustedFileError, read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import open_regular

FORMAT = "charlm"
VERSION = 1

_MOST_HEADER_BYTES = 64 << 20
"""The largest header: that of a tokenizer with a few hundred thousand subwords is a tenth of it."""

# The types that checkpoints hold, by safetensors' name: torch's name, and NumPy's type. NumPy has no bfloat16.
_TYPES: dict[str, tuple[str, str | None]] = {
    "F64": ("torch.float64", "<f8"),
    "F32": ("torch.float32", "<f4"),
    "F16": ("torch.float16", "<f2"),
    "BF16": ("torch.bfloat16", None),
    "I64": ("torch.int64", "<i8"),
    "I32": ("torch.int32", "<i4"),
    "I16": ("torch.int16", "<i2"),
    "I8": ("torch.int8", "<i1"),
    "U8": ("torch.uint8", "<u1"),
    "BOOL": ("torch.bool", "?"),
}

_NAMES = {torch_name: name for name, (torch_name, _) in _TYPES.items()}
_WIDTHS = {
    torch_name: 2 if numpy_name is None else np.dtype(numpy_name).itemsize for torch_name, numpy_name in _TYPES.values()
}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as it is stored in the file.

    Attributes:
        dtype: torch's name of its type, such as "torch.float32".
        data: its numbers, row by row, little-endian.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | memoryview

    def to_array(self) -> NDArray[Any]:
        """Returns the numbers as a read-only array; bfloat16 becomes float32, which holds it exactly."""
        numpy_type = next(each for name, each in _TYPES.values() if name == self.dtype)
        if numpy_type is not None:
            return np.frombuffer(self.data, dtype=numpy_type).reshape(self.shape)
        high_halves = np.frombuffer(self.data, dtype="<u2").astype("<u4") << 16
        return high_halves.view("<f4").reshape(self.shape)


@dataclass(frozen=True)
class Container:
    """Tensors by dotted name, and JSON values."""

    tensors: Mapping[str, StoredTensor]
    values: Mapping[str, Any]


def write_container(tensors: Mapping[str, StoredTensor], values: Mapping[str, Any]) -> Iterator[bytes | memoryview]:
    """Yields the file that holds the tensors and values, in pieces; equal ones give equal bytes.

    The safetensors library would write the metadata in another order every time.
    """
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)
    metadata = {"format": FORMAT, "version": str(VERSION), "values": text, "sha256": _digest(tensors, text)}
    header: dict[str, Any] = {"__metadata__": metadata}
    # The widest numbers first, so that all lie at multiples of their size.
    order = sorted(tensors, key=lambda name: (-_WIDTHS[tensors[name].dtype], name))
    end = 0
    for name in order:
        tensor = tensors[name]
        begin, end = end, end + len(tensor.data)
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": tensor.shape, "data_offsets": [begin, end]}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    yield len(encoded).to_bytes(8, "little") + encoded
    for name in order:
        yield memoryview(tensors[name].data)


def read_container(path: Path, *, within: Path | None = None) -> Container:
    """Returns what the file at `path` holds.

    Args:
        within: a folder that a link must not lead out of; None where links may lead anywhere.

    Raises:
        CheckpointError: there is none, or it is damaged, foreign, or of another format version.
    """
    with read_errors_as(CheckpointError, path, refusal="is damaged or not a checkpoint"):
        try:
            content, header = _content(path, within=within)
            entries = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
        except FileNotFoundError:
            raise CheckpointError(f"There is no checkpoint '{path}'.") from None
        except safetensors.SafetensorError as error:
            raise CheckpointError(f"'{path}' is damaged or not a checkpoint ({error}).") from None
    # `safetensors.deserialize`, which has checked the header, does not return this part of it.
    metadata = header.get("__metadata__", {})
    _require_format(path, metadata)
    tensors = _tensors(path, entries)
    if metadata.get("sha256") != _digest(tensors, metadata.get("values", "")):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its content does not match its checksum.")
    try:
        values = parse_json(metadata["values"].encode())
    except (KeyError, UntrustedFileError):
        values = None
    if not isinstance(values, dict):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its values are not a JSON object.")
    return Container(tensors=tensors, values=values)


def _content(path: Path, *, within: Path | None) -> tuple[bytes, Mapping[str, Any]]:
    """Returns all bytes of a safetensors file, and its header, which is checked before the rest is read.

    The file begins with the length of its header, eight bytes, and the header, a JSON object.

    Raises:
        UntrustedFileError: this cannot be such a file, or it is one that would take all memory.
    """
    with open_regular(path, within=within) as (file, size):
        beginning = file.read(8)
        length = int.from_bytes(beginning, "little")
        if len(beginning) < 8 or length > min(size - 8, _MOST_HEADER_BYTES):
            raise UntrustedFileError("is cut short, or of another kind")
        text = file.read(length)
        header = parse_json(text)
        if not isinstance(header, dict):
            raise UntrustedFileError("is of another kind")
        memory = _physical_memory()
        if memory is not None and size > memory:
            raise UntrustedFileError(f"has {size:,} bytes, more than this machine has memory")
        return b"".join((beginning, text, file.read())), header


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None  # Not every system tells.


def _tensors(path: Path, entries: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, StoredTensor]:
    tensors = {}
    for name, entry in entries:
        if entry["dtype"] not in _TYPES:
            raise CheckpointError(f"Checkpoint '{path}' is damaged: '{name}' is of type {entry['dtype']}.")
        tensors[name] = StoredTensor(_TYPES[entry["dtype"]][0], tuple(entry["shape"]), entry["data"])
    return tensors


def _require_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is a safetensors file, but not a checkpoint of charlm.")
    version = metadata.get("version")
    if version != str(VERSION):
        raise CheckpointError(
            f"Checkpoint '{path}' has format version {version}, this charlm reads version {VERSION}; "
            "use the charlm that wrote it, or train again."
        )


def _digest(tensors: Mapping[str, StoredTensor], values: str) -> str:
    digest = hashlib.sha256(values.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tensor.shape}\0".encode())
        digest.update(tensor.data)
    return digest.hexdigest()
