"""Reading files that others may have written: regular files only, within bounds."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedReader
from pathlib import Path

from charlm.files.errors import UntrustedFileError


@contextmanager
def open_regular(path: Path, *, within: Path | None = None) -> Iterator[tuple[BufferedReader, int]]:
    """Opens a regular file for reading and gives it with its size; never waits for a pipe or a device.

    Args:
        within: a folder that a link must not lead out of; None where links may lead anywhere.

    Raises:
        UntrustedFileError: it is no regular file, or a link out of its folder.
        OSError: it is not there, or cannot be read.
    """
    if within is not None and path.is_symlink() and not path.resolve().is_relative_to(within.resolve()):
        raise UntrustedFileError("is a link out of its folder")
    # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123, of a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UntrustedFileError("is not a file")
        yield file, status.st_size


def require_dense(file: BufferedReader, size: int) -> None:
    """Refuses a file of which more than seven eighths are holes: read, it would take far more memory than disk.

    Holes are asked for by name, not guessed from the blocks that a file takes: where a file system compresses, or has
    not yet written them, there are few for an honest file. A copy may leave out the zeros of a state: never so many.

    Raises:
        UntrustedFileError: it is one.
    """
    if not hasattr(os, "SEEK_DATA"):
        return  # Some systems do not tell.
    descriptor = file.fileno()
    position, end, dense = os.lseek(descriptor, 0, os.SEEK_CUR), 0, 0
    try:
        while dense < size // 8:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
            dense += end - begin
    except OSError as error:
        # ENXIO: only a hole is left. Others: this file system does not tell.
        if error.errno == errno.ENXIO:
            raise UntrustedFileError(f"has {size:,} bytes, of which only {dense:,} are on the disk") from None
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)


def read_bounded(path: Path, *, most_bytes: int, within: Path | None = None) -> bytes:
    """Returns the content of a regular file, of at most `most_bytes`; arguments and errors as in `open_regular`."""
    with open_regular(path, within=within) as (file, size):
        if size <= most_bytes:
            require_dense(file, size)
            content = file.read(most_bytes + 1)
        if max(size, file.tell()) > most_bytes:
            raise UntrustedFileError(f"has more than {most_bytes:,} bytes")
    return content


def when_written(path: Path) -> datetime | None:
    """Returns when a file was last written, in local time; None where it is gone, or its time is none."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime)).astimezone()
    except (OSError, ValueError, OverflowError):
        return None


def file_sha256(path: Path, *, within: Path | None = None) -> str:
    """Returns the SHA-256 of a regular file in hexadecimal; arguments and errors as in `open_regular`."""
    with open_regular(path, within=within) as (file, _):
        return hashlib.file_digest(file, "sha256").hexdigest()
