"""One process at a time on a run: a lock that the system takes back from a process that has died."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as

LOCK_FILE = ".lock"


class InUseError(CheckpointError):
    """Another process works in the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes that ask for this lock, too, out of a folder while the block runs.

    Raises:
        InUseError: another process has it.
        CheckpointError: the folder cannot be written, or its file system has no locks.
    """
    lock = FileLock(folder / LOCK_FILE, timeout=0)
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
