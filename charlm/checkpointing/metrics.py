"""metrics.jsonl: one JSON object a line for every evaluation, appended, never torn or doubled."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from charlm.checkpointing.atomic import write_atomically
from charlm.errors import CheckpointError
from charlm.files.errors import UntrustedFileError, os_errors_as, read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.files.writing import append, sync

_MOST_BYTES = 64 << 20
_MOST_LINES = 500_000


def append_metrics(path: Path, record: Mapping[str, Any]) -> None:
    """Appends one line to the metrics; `sync_metrics` makes it outlast a power cut.

    Raises:
        CheckpointError: the file cannot be written.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    with os_errors_as(CheckpointError, f"Cannot write '{path}'"):
        append(path, line.encode())


def sync_metrics(path: Path) -> None:
    """Waits until all lines are on the disk; no checkpoint may be written before that.

    Raises:
        CheckpointError: they cannot be written.
    """
    with os_errors_as(CheckpointError, f"Cannot write '{path}'"), suppress(FileNotFoundError):
        sync(path)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Returns the metrics recorded so far; a last line torn by a crash is left out.

    Raises:
        CheckpointError: the file cannot be read.
    """
    return read_lines(path)[0]


def read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Returns the metrics recorded so far, and how many lines are damaged; a last line torn by a crash is not.

    Raises:
        CheckpointError: the file cannot be read.
    """
    with read_errors_as(CheckpointError, path, refusal="cannot be the metrics of a run and has to be moved away"):
        try:
            content = read_bounded(path, most_bytes=_MOST_BYTES, within=path.parent)
        except FileNotFoundError:
            return [], 0
        if content.count(b"\n") > _MOST_LINES:
            raise UntrustedFileError(f"has more than {_MOST_LINES:,} lines")
    *whole, _ = content.split(b"\n")
    records = [record for record in map(_record, whole) if record is not None]
    return records, len(whole) - len(records)


def trim_metrics(path: Path, last_step: int) -> int:
    """Drops the lines after `last_step`, which a resumed run is about to write again; returns how many are damaged."""
    records, num_damaged = read_lines(path)
    kept = [record for record in records if record["step"] <= last_step]
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept).encode())
    return num_damaged


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = parse_json(line)
    except UntrustedFileError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("step"), int) else None
