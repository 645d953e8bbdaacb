"""Temporary names of what is being written, and the removal of what killed processes left under them."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

TEMPORARY_PREFIX = ".tmp-"


def temporary_path(folder: Path, label: str) -> Path:
    """Returns a new path in `folder`, with `label` in its name."""
    return folder / f"{TEMPORARY_PREFIX}{label}-{secrets.token_hex(4)}"


def remove_leftovers(folder: Path) -> None:
    """Removes all temporary files in a folder, which no other process may be writing in."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()


@contextmanager
def claimed_folder(folder: Path) -> Iterator[Path]:
    """Gives a new temporary folder in `folder`, which nobody removes while the block runs.

    A lock beside it says that somebody works in it. The system takes the lock back from a process that has died,
    whatever host or container that was in, where the number of a process would mislead.

    Raises:
        OSError: it cannot be made.
    """
    temporary = temporary_path(folder, "folder")
    lock = FileLock(_lock_path(temporary), timeout=0)
    lock.acquire()
    try:
        temporary.mkdir()
        yield temporary
    finally:
        _remove_claimed(temporary, lock)


def remove_abandoned(folder: Path) -> None:
    """Removes the temporary folders that nobody works in."""
    for lock_path in folder.glob(f"{TEMPORARY_PREFIX}*.lock"):
        lock = FileLock(lock_path, timeout=0)
        with suppress(Timeout, OSError):
            lock.acquire()
            _remove_claimed(lock_path.with_suffix(""), lock)


def _remove_claimed(temporary: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _lock_path(temporary: Path) -> Path:
    return temporary.with_name(f"{temporary.name}.lock")
