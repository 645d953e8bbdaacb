"""Temporary names of what is being written, and the removal of what killed processes left under them."""

import os
import secrets
import shutil
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


def remove_abandoned(folder: Path) -> None:
    """Removes the temporary folders that are labelled with the number of a process that has died."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*-*"):
        process = leftover.name.removeprefix(TEMPORARY_PREFIX).split("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_alive(process: int) -> bool:
    # A process of another user may not be signalled, but it lives.
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
