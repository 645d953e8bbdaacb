"""Folders that are there whole or not at all: built beside their place, synced, renamed."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charlm.files.temporary import claimed_folder, remove_abandoned
from charlm.files.writing import sync


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder, which takes the place of `folder` when the block ends without an exception.

    Raises:
        OSError: the folder cannot be written.
    """
    with scratch_folder(folder.parent) as temporary:
        yield temporary
        sync(temporary)
        _rename(temporary, folder)
        sync(folder.parent)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Gives a temporary folder within `parent`, which is made if need be; removes what killed processes left there.

    Raises:
        OSError: the folder cannot be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    with claimed_folder(parent) as temporary:
        yield temporary


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
