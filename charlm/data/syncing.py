"""Making sure that what was written outlasts a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder, as after a rename, are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
