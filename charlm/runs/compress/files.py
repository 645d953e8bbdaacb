"""`charlm compress` and `charlm decompress`: a file in the bits that a run's model needs for it, and back."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from charlm.compression.codec import UTF_8, compressed, decompressed, probe_of
from charlm.compression.container import Header, Versions, read_header, write_block, write_header
from charlm.data.encodings import detect_encoding, resolve_encoding
from charlm.data.raw import BLOCK_BYTES, SpooledInput
from charlm.errors import CharlmError, CheckpointError, ConfigError, DataError
from charlm.files.errors import UntrustedFileError, os_errors_as, read_errors_as
from charlm.files.reading import open_regular
from charlm.files.writing import is_stream, replacing, require_free, write_result
from charlm.notation import counted
from charlm.runs.compress.models import coding_of, digest_of, find_model, identity_of
from charlm.runs.reporting import Reporter
from charlm.runs.stored.model import read_model
from charlm.runs.stored.workspace import Workspace
from charlm.version import __version__

SUFFIX = ".charlm"
"""Of the names of compressed files."""


@dataclass(frozen=True)
class CompressionResult:
    """A file that was compressed, or decompressed.

    Attributes:
        output: where the other one is; None for a stream.
        num_bytes: of the original.
        compressed_bytes: of the compressed file.
        lzma_bytes: of the original, in blocks that LZMA made smaller than the model did; None of a decompressed file.
    """

    run: str
    file: Path
    output: Path | None
    num_bytes: int
    compressed_bytes: int
    lzma_bytes: int | None = None

    @property
    def bits_per_byte(self) -> float | None:
        """Compressed bits for each byte of the original; None for an empty one."""
        return 8 * self.compressed_bytes / self.num_bytes if self.num_bytes else None

    def to_json(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        return {
            "run": self.run,
            "file": str(self.file),
            "output": None if self.output is None else str(self.output),
            "bytes": self.num_bytes,
            "compressed_bytes": self.compressed_bytes,
            "bits_per_byte": self.bits_per_byte,
            **({} if self.lzma_bytes is None else {"lzma_bytes": self.lzma_bytes}),
        }


def compress(
    run: str,
    file: Path,
    workspace: Workspace,
    reporter: Reporter,
    *,
    output: Path | None = None,
    num_streams: int = 1,
    adapts: bool = False,
    overwrite: bool = False,
) -> CompressionResult:
    """Compresses a file with the best model of a run, and decompresses it again before the result has its name.

    Args:
        output: the file to write.  [default: the file's name and `SUFFIX`]
        num_streams: parts of the file that are coded side by side, which is faster.
        adapts: whether the model learns from what it has coded.
        overwrite: whether a file of that name is replaced.

    Raises:
        CheckpointError: there is no such run, or the result cannot be written, or is there already.
        DataError: the file cannot be read, or changed meanwhile.
        ConfigError: there are more streams than the model steps side by side.
        CharlmError: the model's output is not finite.
    """
    output = file.parent / f"{file.name}{SUFFIX}" if output is None else output
    _require_names(file, output)
    if is_stream(output):
        raise ConfigError(f"'{output}' is no file, and what is compressed has to be read again to check it.")
    _require_free(output, file=file, overwrite=overwrite)
    stored = read_model(run, workspace)
    coding = coding_of(stored, adapts=adapts)
    if num_streams > coding.model.exact_streams:
        raise ConfigError(
            f"--streams {num_streams} is too many for this model; give at most {coding.model.exact_streams}."
        )
    with _opened(file, refusal="cannot be compressed") as (original, _):
        sha256 = hashlib.file_digest(original, "sha256").digest()
        size = original.tell()
        original.seek(0)
        header = Header(
            run=stored.name,
            identity=identity_of(stored.record),
            model=digest_of(stored),
            sha256=sha256,
            num_bytes=size,
            probe=probe_of(coding, num_streams=num_streams),
            num_streams=num_streams,
            adapts=adapts,
            encoding=_usual_encoding(original, stored.config.data.encoding, name=str(file)),
            versions=_versions(),
        )
        lzma_bytes = 0
        with replacing(output) as result:
            result.write(write_header(header))
            with reporter.progress(f"compressing {file.name}", size) as advance:
                for block in compressed(
                    original, coding, encoding=header.encoding, num_streams=num_streams, advance=advance
                ):
                    result.write(write_block(block))
                    lzma_bytes += 0 if block.is_coded else block.num_bytes
            compressed_bytes = result.tell()
            result.seek(0)
            with reporter.progress(f"checking {output.name}", size) as advance:
                try:
                    for _ in decompressed(result, read_header(result), coding, advance=advance):
                        pass
                except UntrustedFileError:
                    raise DataError(
                        f"'{file}' did not come back from what was compressed, so nothing was written: it changed "
                        "meanwhile, or this machine does not compute the same twice."
                    ) from None
    return CompressionResult(stored.name, file, output, size, compressed_bytes, lzma_bytes)


def decompress(
    file: Path,
    workspace: Workspace,
    reporter: Reporter,
    *,
    output: Path | BinaryIO | None = None,
    run: str | None = None,
    overwrite: bool = False,
) -> CompressionResult:
    """Writes the file that was compressed, checked against its SHA-256.

    Args:
        output: the file to write, or a stream, which gets every part of the file once it is checked.  [default: the
            name without `SUFFIX`]
        run: the run whose model it was compressed with.  [default: the one that the file names]
        overwrite: as in `compress`.

    Raises:
        CheckpointError: the run is not there or has another model, or the result cannot be written, or is there
            already.
        DataError: the file cannot be read, is damaged or of another kind, or was made on another kind of machine.
    """
    if output is None:
        if file.suffix != SUFFIX:
            raise ConfigError(f"The name of '{file}' does not end in {SUFFIX}; name the file to write with -o.")
        output = file.with_suffix("")
    _require_names(file, output)
    if isinstance(output, Path) and not is_stream(output):
        _require_free(output, file=file, overwrite=overwrite)
    with _opened(file, refusal="cannot be decompressed") as (source, size):
        header = read_header(source)
        stored = find_model(header, run, workspace, file=file)
        coding = coding_of(stored, adapts=header.adapts)
        if header.num_streams > coding.model.exact_streams:
            raise UntrustedFileError(f"has {counted(header.num_streams, 'stream')}")
        if probe_of(coding, num_streams=header.num_streams) != header.probe:
            raise UntrustedFileError(_other_machine(header.versions))
        with reporter.progress(f"decompressing {file.name}", header.num_bytes) as advance:
            write_result(output, decompressed(source, header, coding, advance=advance))
    path = output if isinstance(output, Path) else None
    return CompressionResult(stored.name, file, path, header.num_bytes, size)


@contextmanager
def _opened(path: Path, *, refusal: str) -> Iterator[tuple[BufferedReader, int]]:
    with ExitStack() as stack:
        with read_errors_as(DataError, path, refusal=refusal):
            file, size = stack.enter_context(open_regular(path))
        try:
            yield file, size
        except UntrustedFileError as error:
            raise DataError(f"'{path}' {refusal}: it {error}.") from None


def _require_names(*paths: Path | BinaryIO) -> None:
    for path in paths:
        if isinstance(path, Path):
            try:
                with os_errors_as(DataError, f"Cannot use '{path}'"):
                    path.exists()
                os.fsencode(path)
            except UnicodeEncodeError:
                raise DataError(f"'{path}' is no name that a file can have.") from None


def _require_free(path: Path, *, file: Path, overwrite: bool) -> None:
    if not path.is_dir() and path.exists() and file.exists() and path.samefile(file):
        raise CheckpointError(f"'{path}' is the file that is read; name another one to write with -o.")
    require_free(path, overwrite=overwrite)


def _usual_encoding(file: BinaryIO, encoding: str, *, name: str) -> str:
    """Returns the encoding of a file, given that of the run's text; the file is at its beginning then."""
    beginning = SpooledInput(io.BytesIO(file.read(BLOCK_BYTES)), name=name)
    file.seek(0)
    try:
        found = detect_encoding(beginning) if encoding == "auto" else resolve_encoding(encoding)
    except CharlmError:  # No text; what is no UTF-8 is kept, too.
        return UTF_8
    # A byte order mark says it once, at the beginning.
    marked = {"utf-16": {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}}
    mark = next(beginning.blocks(0, 4), b"")
    return marked.get(found, {}).get(mark[:2], found)


def _versions() -> Versions:
    return Versions(__version__, np.__version__, version("constriction"))


def _other_machine(made: Versions) -> str:
    here = _versions()
    return (
        "was compressed where this model computes other probabilities, on another kind of processor or with another "
        f"NumPy (there {made.numpy}, here {here.numpy})"
    )
