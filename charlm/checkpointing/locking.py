"""The lock of a folder, which one process holds at a time; the system releases it when that process dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as

LOCK_FILE = ".lock"
_MOMENT = 0.05
"""Seconds that a lock is waited for: `is_locked` holds it for less."""


class InUseError(CheckpointError):
    """Another process holds the lock of the folder."""


@contextmanager
def locked(folder: Path, *, file: str = LOCK_FILE, seconds: float = _MOMENT) -> Iterator[None]:
    """Holds a lock of a folder while the block runs.

    Args:
        file: of the lock; a folder that is shared may have several.
        seconds: how long another process is waited for; below 0 for as long as it takes.

    Raises:
        InUseError: another process holds it.
        CheckpointError: the folder cannot be written, or its file system has no locks.
    """
    lock = FileLock(folder / file, timeout=seconds, poll_interval=_MOMENT / 5)
    with os_errors_as(CheckpointError, f"Cannot lock '{folder}'"):
        try:
            lock.acquire()
        except Timeout:
            raise InUseError(
                f"'{folder}' is in use by another charlm, which trains in it; wait until that has ended, or stop it."
            ) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Returns whether a process that is alive holds the lock of a folder; makes nothing."""
    try:
        file = os.open(folder / LOCK_FILE, os.O_RDWR)
    except OSError:
        return False  # There is none, or who cannot write there cannot ask.
    try:
        return not lock_descriptor(file, blocking=False)
    except OSError:
        return False
    finally:
        os.close(file)
