"""The one way a file of a run comes into being: whole or not at all, whatever happens meanwhile."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from charlm.data.syncing import sync_folder
from charlm.errors import CheckpointError

TEMPORARY_PREFIX = ".tmp-"


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Writes `content`, maybe in pieces: a reader sees the old file or the new one, also after a power cut.

    The bytes go to a temporary name in the same folder, are synced to the disk, renamed, and the
    folder is synced, so the rename itself lasts.

    Raises:
        CheckpointError: the file cannot be written; what was there before is untouched.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"Cannot write '{path}': {error.strerror or error}; what was there before is kept."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files that killed writers left in `folder`."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()
