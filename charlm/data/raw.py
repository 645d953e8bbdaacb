"""Raw inputs: plain and compressed files, pipes and stdin, as blocks of bytes that can be read again and again."""

import bz2
import gzip
import lzma
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, final

from charlm.errors import DataError
from charlm.files.errors import os_errors_as

BLOCK_BYTES = 1 << 20
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class FileInput:
    """A file, decompressed while it is read if its name ends in .gz, .bz2, .xz or .zst.

    Offsets count decompressed bytes.

    Attributes:
        most_unpacked_bytes: size at which reading a compressed file stops with an error; None for no limit.
    """

    path: Path
    most_unpacked_bytes: int | None = None

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.path)

    def size_bytes(self) -> int | None:
        """Returns the size of a plain file; None for a compressed one."""
        if self.path.suffix.lower() in COMPRESSED_SUFFIXES:
            return None
        with os_errors_as(DataError, f"'{self.name}' cannot be read"):
            return self.path.stat().st_size

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yields the bytes from `start` up to `stop` in non-empty blocks of at most 1 MiB.

        Raises:
            DataError: the file cannot be read, or the archive is damaged, cut short, or unpacks to too much.
        """
        most = self.most_unpacked_bytes if self.path.suffix.lower() in COMPRESSED_SUFFIXES else None
        opener, damage = _opener(self.path.suffix.lower())
        try:
            with opener(self.path) as stream:
                if start:
                    stream.seek(start)
                position = start
                while block := stream.read(_next_size(position, stop)):
                    position += len(block)
                    if most is not None and position > most:
                        raise DataError(
                            f"'{self.name}' unpacks to more than {most:,} bytes, which may be a bomb; "
                            "if it is a text of that size, say so with --max-bytes."
                        )
                    yield block
        except damage as error:
            raise _damaged(self.name, error) from None
        except OSError as error:
            # bz2 and gzip report damage as an OSError that no system call made.
            raise (_unreadable if error.errno else _damaged)(self.name, error) from None


@final
class SpooledInput:
    """A stream that can be read only once, kept in a temporary file that vanishes with this object."""

    def __init__(self, stream: BinaryIO, *, name: str) -> None:
        """Reads `stream` to its end.

        Raises:
            DataError: it cannot be read, or the temporary file cannot hold it.
        """
        self.name = name
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed by the finalizer
        weakref.finalize(self, self._file.close)
        remedy = "Free some space, set TMPDIR to another folder, or give a file."
        with os_errors_as(DataError, f"Cannot keep {name} in a temporary file", remedy=remedy):
            while block := stream.read(BLOCK_BYTES):
                self._file.write(block)
            self._file.flush()
        self._size = self._file.tell()

    def size_bytes(self) -> int:
        """Returns how many bytes were read."""
        return self._size

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yields the bytes from `start` up to `stop` in non-empty blocks of at most 1 MiB."""
        position = start
        while True:
            # Seek every time: two readings may be under way at once.
            self._file.seek(position)
            block = self._file.read(_next_size(position, stop))
            if not block:
                return
            position += len(block)
            yield block


RawInput = FileInput | SpooledInput
"""Bytes that can be read any number of times, from any offset."""


def _next_size(position: int, stop: int | None) -> int:
    return BLOCK_BYTES if stop is None else max(0, min(BLOCK_BYTES, stop - position))


def _opener(suffix: str) -> tuple[Callable[[Path], IO[bytes] | Any], tuple[type[Exception], ...]]:
    """Returns the function that opens a file of this suffix, and the errors that it raises for a damaged one."""
    if suffix == ".gz":
        return gzip.open, (EOFError, zlib.error)
    if suffix == ".bz2":
        return bz2.open, (EOFError,)
    if suffix == ".xz":
        return lzma.open, (EOFError, lzma.LZMAError)
    if suffix == ".zst":
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        return zstd.open, (EOFError, zstd.ZstdError)
    return lambda path: path.open("rb"), ()


def _unreadable(name: str, error: OSError) -> DataError:
    return DataError(f"'{name}' cannot be read: {error.strerror}.")


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(f"'{name}' is damaged, cut short or no {Path(name).suffix} archive ({error}); get it again.")
