"""The one way in which a file of a run is written, and results that a user wants in a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as
from charlm.files.writing import is_stream, replace_file


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Writes a file, maybe in pieces, as `replace_file` does.

    Raises:
        CheckpointError: the file cannot be written; what was there before is untouched.
    """
    with os_errors_as(CheckpointError, f"Cannot write '{path}'", remedy="What was there before is kept."):
        replace_file(path, content)


def write_result(output: Path | BinaryIO, pieces: Iterable[bytes]) -> None:
    """Writes to an open stream, a device or a pipe piece by piece, or a file at once.

    Raises:
        CheckpointError: the file cannot be written; what was there before is untouched.
        OSError: a stream, device or pipe cannot be written.
    """
    if not isinstance(output, Path):
        output.writelines(pieces)
    elif is_stream(output):
        with output.open("wb") as stream:
            stream.writelines(pieces)
    else:
        write_atomically(output, pieces)
