"""metrics.jsonl: one JSON object a line for every evaluation, appended, never torn or doubled."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charlm.checkpointing.atomic import write_atomically
from charlm.errors import CheckpointError


def append_metrics(path: Path, record: Mapping[str, Any]) -> None:
    """Appends one line to the metrics.

    Raises:
        CheckpointError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")
    except OSError as error:
        raise CheckpointError(f"Cannot write '{path}': {error.strerror or error}.") from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Returns the metrics recorded so far; a last line torn by a crash is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"Cannot read '{path}': {error.strerror or error}.") from error
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
    return records


def trim_metrics(path: Path, last_step: int) -> None:
    """Drops the lines after `last_step`, which a resumed run is about to write again."""
    kept = [record for record in read_metrics(path) if record["step"] <= last_step]
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept).encode())
