"""The one way in which a file of a run is written."""

from collections.abc import Iterable
from pathlib import Path

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as
from charlm.files.writing import replace_file


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Writes a file, maybe in pieces, as `replace_file` does.

    Raises:
        CheckpointError: the file cannot be written; what was there before is untouched.
    """
    with os_errors_as(CheckpointError, f"Cannot write '{path}'", remedy="What was there before is kept."):
        replace_file(path, content)
