"""metrics.jsonl: one JSON object a line for every evaluation, appended, never torn or doubled.

The lines have a digest, which a state stores: that of a line is over it, but for its seconds, and the digest of those
before it. So it goes on with each line, and an interrupted training ends with that of a training that was not.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from charlm.errors import CheckpointError
from charlm.files.errors import UntrustedFileError, os_errors_as, read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import open_regular
from charlm.files.writing import append, sync, write_atomically

_MOST_BYTES = 64 << 20
_MOST_LINES = 500_000
_MOST_LINE_BYTES = 64 << 10

NETWORK_VALIDATION = "validation_network"
"""The key of the network's score, beside `validation`, that of the mixture."""

NO_LINES = "0" * 64
"""The digest of no lines."""


def append_metrics(path: Path, record: Mapping[str, Any], *, digest: str = NO_LINES) -> str:
    """Appends one line to the metrics, whose digest it takes and returns; `sync_metrics` makes it outlast a power cut.

    Raises:
        CheckpointError: the file cannot be written.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    with os_errors_as(CheckpointError, f"Cannot write '{path}'"):
        append(path, line.encode())
    return digest_after(record, digest)


def digest_after(record: Mapping[str, Any], digest: str) -> str:
    """Returns the digest of the lines of a digest and one more: a SHA-256 in hexadecimal."""
    compared = {name: value for name, value in record.items() if name != "seconds"}
    return hashlib.sha256(f"{digest}{json.dumps(compared, sort_keys=True)}".encode()).hexdigest()


def sync_metrics(path: Path) -> None:
    """Waits until all lines, and their file's name, are on the disk; no checkpoint may be written before that."""
    with os_errors_as(CheckpointError, f"Cannot write '{path}'"), suppress(FileNotFoundError):
        sync(path)
        sync(path.parent)


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the metrics recorded so far, without damaged lines; errors as in `read_lines`."""
    return (record for _, record in read_lines(path) if record is not None)


def read_last_metrics(path: Path) -> dict[str, Any] | None:
    """Returns the metrics in the last line, None where it is damaged; errors as in `read_lines`."""
    refusal = "cannot be the metrics of a run and has to be moved away"
    with read_errors_as(CheckpointError, path, refusal=refusal), open_regular(path, within=path.parent) as (file, size):
        file.seek(max(0, size - _MOST_LINE_BYTES))
        return _record(file.read(_MOST_LINE_BYTES).splitlines()[-1]) if size else None


def read_lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yields each line with its metrics, None where it is damaged; a last line torn by a crash is left out.

    Raises:
        CheckpointError: the file cannot be read.
    """
    with (
        read_errors_as(CheckpointError, path, refusal="cannot be the metrics of a run and has to be moved away"),
        suppress(FileNotFoundError),
        open_regular(path, within=path.parent) as (file, size),
    ):
        if size > _MOST_BYTES:
            raise UntrustedFileError(f"has more than {_MOST_BYTES:,} bytes")
        num_lines = 0
        while (line := file.readline(_MOST_LINE_BYTES)).endswith(b"\n"):
            num_lines += 1
            if num_lines > _MOST_LINES:
                raise UntrustedFileError(f"has more than {_MOST_LINES:,} lines")
            yield line, _record(line)
        if len(line) == _MOST_LINE_BYTES:
            raise UntrustedFileError(f"has a line of more than {_MOST_LINE_BYTES:,} bytes")


def finite_number(value: object) -> float | None:
    """Returns a number of the metrics, which anybody may have written, if it is one."""
    return value if isinstance(value, int | float) and abs(value) <= sys.float_info.max else None


def trim_metrics(path: Path, last_step: int) -> tuple[str, int]:
    """Drops the lines after `last_step`, which a resumed run is about to write again, and those that are damaged.

    Returns:
        The digest of the lines that are kept, and how many were damaged.
    """
    digest, num_damaged = NO_LINES, 0

    def kept() -> Iterator[bytes]:
        nonlocal digest, num_damaged
        for line, record in read_lines(path):
            if record is None:
                num_damaged += 1
            elif record["step"] <= last_step:
                digest = digest_after(record, digest)
                yield line

    write_atomically(path, kept())
    return digest, num_damaged


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = parse_json(line)
    except UntrustedFileError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("step"), int) else None
