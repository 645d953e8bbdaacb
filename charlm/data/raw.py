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
_MOST_WINDOW_BYTES = 128 << 20
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
        return None if self.path.suffix.lower() in COMPRESSED_SUFFIXES else self.stored_bytes()

    def stored_bytes(self) -> int:
        """Returns the size of the file as it is on the disk; one that is gone is a DataError."""
        with os_errors_as(DataError, f"'{self.name}' cannot be read"):
            return self.path.stat().st_size

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yields the bytes from `start` up to `stop` in non-empty blocks of at most 1 MiB.

        Raises:
            DataError: the file cannot be read, or the archive is damaged, cut short, or unpacks to too much.
        """
        suffix = self.path.suffix.lower()
        is_packed = suffix in COMPRESSED_SUFFIXES
        most = self.most_unpacked_bytes if is_packed else None
        unpack, damage = _unpacker(suffix)
        try:
            with self.path.open("rb") as file:
                position = file.seek(start) if start and not is_packed else 0
                for block in unpack(file):
                    begin, position = position, position + len(block)
                    if most is not None and position > most:
                        raise DataError(
                            f"'{self.name}' unpacks to more than {most:,} bytes, which may be a bomb; "
                            "if it is a text of that size, say so with --max-bytes."
                        )
                    if piece := block[max(0, start - begin) : None if stop is None else max(0, stop - begin)]:
                        yield piece
                    if stop is not None and position >= stop:
                        return
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


def _blocks_of(file: IO[bytes] | Any) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK_BYTES), b"")


def _unpacker(suffix: str) -> tuple[Callable[[BinaryIO], Iterator[bytes]], tuple[type[Exception], ...]]:
    """Returns the function that unpacks a file of this suffix, and the errors that it raises for a damaged one."""
    if suffix == ".gz":
        return lambda file: _blocks_of(gzip.open(file)), (EOFError, zlib.error)
    if suffix == ".bz2":
        return lambda file: _blocks_of(bz2.open(file)), (EOFError,)
    if suffix == ".xz":
        return _unpack_xz, (EOFError, lzma.LZMAError)
    if suffix == ".zst":
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        window = {int(zstd.DecompressionParameter.window_log_max): _MOST_WINDOW_BYTES.bit_length() - 1}
        return lambda file: _blocks_of(zstd.open(file, options=window)), (EOFError, zstd.ZstdError)
    return _blocks_of, ()


def _unpack_xz(file: BinaryIO) -> Iterator[bytes]:
    """Yields what `lzma.open` would read, which has no bound on the memory for the window."""
    packed = file.read(BLOCK_BYTES)
    while True:
        stream = lzma.LZMADecompressor(memlimit=_MOST_WINDOW_BYTES + (8 << 20))
        while not stream.eof:
            if stream.needs_input and not packed:
                packed = file.read(BLOCK_BYTES)
                if not packed:
                    raise EOFError("it ends too early")
            if block := stream.decompress(packed, BLOCK_BYTES):
                yield block
            packed = b""
        # Another stream may follow, after zeros.
        packed = stream.unused_data.lstrip(b"\0")
        while not packed and (more := file.read(BLOCK_BYTES)):
            packed = more.lstrip(b"\0")
        if not packed:
            return


def _unreadable(name: str, error: OSError) -> DataError:
    return DataError(f"'{name}' cannot be read: {error.strerror}.")


def _damaged(name: str, error: Exception) -> DataError:
    if "memory" in str(error).lower():  # Of both libraries that have a bound.
        return DataError(
            f"'{name}' takes more than {_MOST_WINDOW_BYTES >> 20} MiB of memory to unpack; "
            "pack it with a smaller window."
        )
    return DataError(f"'{name}' is damaged, cut short or no {Path(name).suffix} archive ({error}); get it again.")
