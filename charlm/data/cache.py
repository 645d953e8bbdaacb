"""Folders that are there whole or not at all: built beside their place, synced, renamed."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from charlm.data.syncing import sync_folder
from charlm.errors import DataError

_TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder, which takes the place of `folder` when the block ends without an exception.

    What dead processes left beside it is removed first.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    with write_errors_explained(folder.parent), scratch_folder(folder.parent) as temporary:
        yield temporary
        sync_folder(temporary)
        _rename(temporary, folder)
        sync_folder(folder.parent)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Gives a temporary folder within `parent`, which is made if need be; what dead processes left is removed."""
    temporary = parent / f"{_TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(parent)
        temporary.mkdir()
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """Gives a new file to write, which is on the disk when the block ends."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def write_errors_explained(folder: Path) -> Iterator[None]:
    """Turns the system's refusal to write in `folder` into a sentence for the user.

    Raises:
        DataError: it refused.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"No space is left to keep the encoded text in '{folder}'; free some, or work on another disk."
            ) from None
        raise DataError(f"The encoded text cannot be kept in '{folder}': {error.strerror or error}.") from None


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


def _remove_leftovers(parent: Path) -> None:
    for leftover in parent.glob(f"{_TEMPORARY_PREFIX}*-*"):
        owner = leftover.name.removeprefix(_TEMPORARY_PREFIX).split("-")[0]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_alive(process: int) -> bool:
    # A process of another user may not be signalled, but it lives.
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
