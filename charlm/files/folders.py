"""Folders that are there whole or not at all: built beside their place, synced, renamed."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from charlm.files.writing import TEMPORARY_PREFIX, make_folder, sync, temporary_path


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder, which takes the place of `folder` when the block ends without an exception."""
    with scratch_folder(folder.parent) as temporary:
        yield temporary
        sync(temporary)
        _rename(temporary, folder)
        sync(folder.parent)


@contextmanager
def resume_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder as `replace_folder` does, but always the same one, which stays where the block fails.

    So the next attempt finds what the last one has left. While one process works in it, others get one of their own,
    which does not stay.
    """
    make_folder(folder.parent, exist_ok=True)
    temporary = folder.with_name(f"{folder.name}.unfinished")
    lock = FileLock(f"{temporary}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        with replace_folder(folder) as own:
            yield own
        return
    try:
        temporary.mkdir(exist_ok=True)
        yield temporary
        sync(temporary)
        _rename(temporary, folder)
        sync(folder.parent)
    finally:
        _remove_lock(lock)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Gives a temporary folder within `parent`, which is made if need be; removes what killed processes left there.

    A lock beside it says that somebody works in it. The system takes the lock back from a process that has died,
    whatever host or container that was in, where the number of a process would mislead.

    Raises:
        OSError: the folder cannot be made.
    """
    make_folder(parent, exist_ok=True)
    for left in parent.glob(f"{TEMPORARY_PREFIX}*.lock"):
        lock = FileLock(left, timeout=0)
        with suppress(Timeout, OSError):
            lock.acquire()
            _remove(left.with_suffix(""), lock)
    temporary = temporary_path(parent, "folder")
    lock = FileLock(temporary.with_name(f"{temporary.name}.lock"), timeout=0)
    lock.acquire()
    try:
        temporary.mkdir()
        yield temporary
    finally:
        _remove(temporary, lock)


def _remove(temporary: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    _remove_lock(lock)


def _remove_lock(lock: BaseFileLock) -> None:
    """Removes the file of a lock that is held, and releases it."""
    # In this order: once it is released, the file may be another process's. One that opened it before it was removed
    # gets no lock of it, as filelock refuses a file without a name.
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _rename(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        # A damaged folder, or the same one made by another process meanwhile, which may go on reading the old files.
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink()
        temporary.rename(folder)
