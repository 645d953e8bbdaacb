"""Making sure that what was written outlasts a power cut."""

import os
from contextlib import suppress
from pathlib import Path


def sync_file(path: Path) -> None:
    """Waits until what was appended to a file is on the disk; nothing to wait for if there is none."""
    with suppress(FileNotFoundError):
        _sync(path)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder, as after a rename, are on the disk."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
