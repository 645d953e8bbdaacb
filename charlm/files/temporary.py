"""Temporary names of what is being written, and the removal of what killed processes left under them."""

import secrets
from contextlib import suppress
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"


def temporary_path(folder: Path, label: str) -> Path:
    """Returns a new path in `folder`, with `label` in its name."""
    return folder / f"{TEMPORARY_PREFIX}{label}-{secrets.token_hex(4)}"


def remove_leftovers(folder: Path) -> None:
    """Removes all temporary files in a folder, which no other process may be writing in."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()
