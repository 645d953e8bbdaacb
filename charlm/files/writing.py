"""Writing files whole or not at all, also when the process is killed or the power fails."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as

TEMPORARY_PREFIX = ".tmp-"


def temporary_path(folder: Path, label: str) -> Path:
    """Returns a new path in `folder`, with `label` in its name."""
    return folder / f"{TEMPORARY_PREFIX}{label}-{secrets.token_hex(4)}"


def remove_leftovers(folder: Path) -> None:
    """Removes all temporary files in a folder, which no other process may be writing in."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()


def is_stream(path: Path) -> bool:
    """Returns whether a path leads to a device, a pipe or an open file of a process: not to be replaced by a file."""
    # /dev/stdout and /proc/self/fd/1 are links to what may be a file.
    if path.is_symlink() and any(path.absolute().is_relative_to(folder) for folder in ("/dev", "/proc")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def require_free(path: Path, *, overwrite: bool) -> None:
    """Raises a CheckpointError if a file cannot be written as `path`: a folder has the name, or a file that is kept.

    Args:
        overwrite: whether a file may be replaced.
    """
    if path.is_dir():
        raise CheckpointError(f"'{path}' is a folder; name the file to write with -o.")
    if not overwrite and (path.exists() or path.is_symlink()):
        raise CheckpointError(f"'{path}' is there already; name another file with -o, or replace it with --force.")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Gives a new file, to write and read, that takes the place of `path` when the block ends without an exception.

    A reader of `path` sees the old file or the new one, also after a power cut. The bytes go to a temporary name in
    the same folder and are synced to the disk. The file is renamed, and the folder is synced, so that the rename
    lasts, too. A failure, which changes nothing, is a CheckpointError.
    """
    temporary = temporary_path(path.parent, path.name)
    with os_errors_as(CheckpointError, f"Cannot write '{path}'", remedy="What was there before is kept."):
        try:
            with create_synced(temporary) as file:
                yield file
            temporary.replace(path)
            sync(path.parent)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Writes a file, maybe in pieces, whole or not at all, as `replacing` does; errors as there."""
    with replacing(path) as file:
        file.writelines([content] if isinstance(content, bytes) else content)


def write_result(output: Path | BinaryIO, pieces: Iterable[bytes]) -> None:
    """Writes to an open stream, a device or a pipe piece by piece, or a file as `write_atomically` does."""
    if not isinstance(output, Path):
        output.writelines(pieces)
    elif is_stream(output):
        with output.open("wb") as stream:
            stream.writelines(pieces)
    else:
        write_atomically(output, pieces)


@contextmanager
def create_synced(path: Path) -> Iterator[BinaryIO]:
    """Gives a new file to write and read, which is on the disk when the block ends; it must not exist before."""
    with path.open("x+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, *, exist_ok: bool = False) -> None:
    """Makes a folder, and those that it is in, where they are not there yet; they are on the disk when it returns.

    Raises:
        OSError: one cannot be made; `FileExistsError` unless the folder may exist.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=exist_ok)
    for folder in missing:
        sync(folder.parent)


def append(path: Path, content: bytes) -> None:
    """Appends to a file, which is made if need be and must be no link, which could lead anywhere; waits for no disk."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o666), "ab") as file:  # noqa: PTH123, of a descriptor
        file.write(content)
