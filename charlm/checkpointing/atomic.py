"""The one way in which a file of a run is written."""

from collections.abc import Iterable
from pathlib import Path

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as
from charlm.files.writing import replace_file


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Writes a file as `replace_file` does; a failure, which leaves what was there before, is a CheckpointError."""
    with os_errors_as(CheckpointError, f"Cannot write '{path}'", remedy="What was there before is kept."):
        replace_file(path, content)
