"""The file format of a checkpoint, checked when it is read: named arrays and JSON values, without torch.

It is a safetensors file. Its metadata holds four strings: `format` (always "charlm"), `version`, `values`
(everything that is not a tensor, as JSON) and `sha256` (over the values and every tensor's name, type,
shape and bytes, because safetensors itself does not notice flipped bits). No pickle is written or read.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Generic, Self, TypeVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from charlm.errors import CheckpointError
from charlm.files.errors import UntrustedFileError, read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import open_regular, require_dense

FORMAT = "charlm"
VERSION = 1

_MOST_HEADER_BYTES = 64 << 20
"""The largest header: that of a tokenizer with a few hundred thousand subwords is a tenth of it."""

_MOST_AXES = 8
_BFLOAT16 = "torch.bfloat16"
_Size = Annotated[int, Field(ge=0, le=1 << 53)]

_TYPES = {
    "F64": "torch.float64",
    "F32": "torch.float32",
    "F16": "torch.float16",
    "BF16": "torch.bfloat16",
    "I64": "torch.int64",
    "I32": "torch.int32",
    "I16": "torch.int16",
    "I8": "torch.int8",
    "U8": "torch.uint8",
    "BOOL": "torch.bool",
}
"""The types that checkpoints hold: torch's names by those of safetensors."""

_NAMES = {torch_name: name for name, torch_name in _TYPES.items()}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as it is stored in the file.

    Attributes:
        dtype: torch's name of its type, such as "torch.float32".
        data: its numbers, row by row, little-endian; none of them where only the header was read.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray | memoryview

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Self:
        """Returns an array as it is stored; its numbers stay in the same memory where they lie row by row."""
        numbers = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return cls(f"torch.{array.dtype}", array.shape, numbers.data)

    def to_array(self) -> NDArray[Any]:
        """Returns the numbers as an array in the same memory; bfloat16 becomes float32, which holds it exactly."""
        numbers = np.frombuffer(self.data, dtype=_numpy_type(self.dtype)).reshape(self.shape)
        if self.dtype != _BFLOAT16:
            return numbers
        high_halves = numbers.astype("<u4")
        high_halves <<= 16
        return high_halves.view("<f4")


@cache
def _numpy_type(dtype: str) -> np.dtype[Any]:
    """Returns NumPy's type of a type that torch calls `dtype`; the bits of bfloat16, which it has not."""
    return np.dtype("uint16" if dtype == _BFLOAT16 else dtype.removeprefix("torch."))


@final
class _Entry(BaseModel):
    """What the header of a safetensors file says of a tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dtype: str
    shape: Annotated[list[_Size], Field(max_length=_MOST_AXES)]
    data_offsets: Annotated[list[_Size], Field(min_length=2, max_length=2)]


_ENTRIES = TypeAdapter(dict[str, _Entry])


SomeTensor = TypeVar("SomeTensor")


@dataclass(frozen=True)
class Container(Generic[SomeTensor]):
    """Tensors by dotted name, and JSON values."""

    tensors: Mapping[str, SomeTensor]
    values: Mapping[str, Any]


def write_container(tensors: Mapping[str, StoredTensor], values: Mapping[str, Any]) -> Iterator[bytes | memoryview]:
    """Yields the file that holds the tensors and values, in pieces; equal ones give equal bytes.

    The safetensors library would write the metadata in another order every time.
    """
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)
    metadata = {"format": FORMAT, "version": str(VERSION), "values": text, "sha256": _digest(tensors, text)}
    header: dict[str, Any] = {"__metadata__": metadata}
    # The widest numbers first, so that each tensor begins at a multiple of its numbers' size.
    order = sorted(tensors, key=lambda name: (-_numpy_type(tensors[name].dtype).itemsize, name))
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


def read_container(path: Path, *, within: Path | None = None) -> Container[StoredTensor]:
    """Returns what the file at `path` holds, in as much memory as the file has bytes.

    Args:
        within: a folder that a link must not lead out of; None where links may lead anywhere.

    Raises:
        CheckpointError: there is none, or it is damaged, foreign, or of another format version.
    """
    with read_errors_as(CheckpointError, path, refusal="is damaged or not a checkpoint"):
        try:
            with open_regular(path, within=within) as (file, size):
                metadata, layout = _read_layout(path, file, size)
                _require_fits_memory(size)
                require_dense(file, size)
                tensors = {name: _read_tensor(file, entry) for name, entry in layout.items()}
        except FileNotFoundError:
            raise CheckpointError(f"There is no checkpoint '{path}'.") from None
    text = metadata.get("values")
    if not isinstance(text, str) or metadata.get("sha256") != _digest(tensors, text):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its content does not match its checksum.")
    return Container(tensors=tensors, values=_values_of(path, text))


def read_described(path: Path, *, within: Path | None = None) -> Container[StoredTensor]:
    """Returns what the header of a file says, in as little time for a large file as for a small one.

    Its checksum is not compared, as that is over all its bytes, and the tensors have no data. Arguments and errors are
    as in `read_container`.
    """
    with read_errors_as(CheckpointError, path, refusal="is damaged or not a checkpoint"):
        try:
            with open_regular(path, within=within) as (file, size):
                metadata, layout = _read_layout(path, file, size)
        except FileNotFoundError:
            raise CheckpointError(f"There is no checkpoint '{path}'.") from None
    tensors = {name: StoredTensor(_TYPES[each.dtype], tuple(each.shape), b"") for name, each in layout.items()}
    return Container(tensors=tensors, values=_values_of(path, metadata.get("values")))


def _read_layout(path: Path, file: BufferedReader, size: int) -> tuple[Mapping[str, Any], dict[str, _Entry]]:
    """Returns the metadata of an open file, and the entries of its tensors in their order."""
    header = _read_header(file, size)
    metadata = header.pop("__metadata__", None)
    _require_format(path, metadata)
    return metadata, _layout(header, num_bytes=size - file.tell())


def _values_of(path: Path, text: Any) -> Mapping[str, Any]:
    try:
        values = parse_json(text.encode()) if isinstance(text, str) else None
    except (UntrustedFileError, UnicodeEncodeError):  # The latter: half of a surrogate pair.
        values = None
    if not isinstance(values, dict):
        raise CheckpointError(f"Checkpoint '{path}' is damaged: its values are not a JSON object.")
    return values


def _read_header(file: BufferedReader, size: int) -> dict[str, Any]:
    """Returns the header of a safetensors file: its length in eight bytes, and a JSON object."""
    beginning = file.read(8)
    length = int.from_bytes(beginning, "little")
    if len(beginning) < 8 or length > min(size - 8, _MOST_HEADER_BYTES):
        raise UntrustedFileError("is cut short, or of another kind")
    header = parse_json(file.read(length))
    if not isinstance(header, dict):
        raise UntrustedFileError("is of another kind")
    return header


def _layout(header: Mapping[str, Any], *, num_bytes: int) -> dict[str, _Entry]:
    """Returns the entries of a header in the order of their bytes, which have to be all that follow the header."""
    try:
        entries = _ENTRIES.validate_python(header)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UntrustedFileError(f"has a header that says of {first['loc'][0]!r:.100}: {first['msg']}") from None
    layout = dict(sorted(entries.items(), key=lambda item: item[1].data_offsets))
    end = 0
    for name, entry in layout.items():
        if entry.dtype not in _TYPES:
            raise UntrustedFileError(f"has {name!r:.100} of the type {entry.dtype!r:.20}")
        begin, stop = entry.data_offsets
        if begin != end or stop - begin != _numpy_type(_TYPES[entry.dtype]).itemsize * math.prod(entry.shape):
            raise UntrustedFileError(f"has a header that does not fit the bytes of {name!r:.100}")
        end = stop
    if end != num_bytes:
        raise UntrustedFileError("is cut short, or longer than its header says")
    return layout


def _require_fits_memory(size: int) -> None:
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return  # Some systems do not provide it.
    if size > memory:
        raise UntrustedFileError(f"has {size:,} bytes, more than this machine has memory")


def _read_tensor(file: BufferedReader, entry: _Entry) -> StoredTensor:
    begin, end = entry.data_offsets
    data = bytearray(end - begin)
    if file.readinto(data) < len(data):
        raise UntrustedFileError("is cut short")
    return StoredTensor(_TYPES[entry.dtype], tuple(entry.shape), data)


def _require_format(path: Path, metadata: Any) -> None:
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is a safetensors file, but not a checkpoint of charlm.")
    version = metadata.get("version")
    if version != str(VERSION):
        raise CheckpointError(
            f"Checkpoint '{path}' has format version {version!s:.20}, this charlm reads version {VERSION}; "
            "use the charlm that wrote it, or train again."
        )


def _digest(tensors: Mapping[str, StoredTensor], values: str) -> str:
    digest = hashlib.sha256(values.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tensor.shape}\0".encode())
        digest.update(tensor.data)
    return digest.hexdigest()
