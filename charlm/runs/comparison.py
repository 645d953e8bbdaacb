"""What a comparison came to: one result a cell, kept in its folder, and the tables made of them."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from charlm.checkpointing.atomic import write_atomically
from charlm.checkpointing.locking import LOCK_FILE, locked
from charlm.errors import CheckpointError
from charlm.evaluation.score import Score
from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.files.temporary import TEMPORARY_PREFIX, remove_leftovers

_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class CellResult:
    """One cell, finished or failed.

    Attributes:
        run: its run's folder, under the comparison's.
        layers: None for n-gram models, as is `hidden_size`.
        size: units of the first model, which it has as many parameters as; None where only one size was asked for.
        seconds: of training.
        validation: bits per character; None without such a text, or where the cell failed. `test` likewise.
        error: why it failed, one sentence; None where it did not.
    """

    run: str
    kind: str
    layers: int | None
    size: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    steps: int | None = None
    seconds: float | None = None
    validation: float | None = None
    test: float | None = None
    error: str | None = None

    @property
    def bits(self) -> float | None:
        """Bits per character on the test text, or on the validation text where there is none."""
        return self.validation if self.test is None else self.test


class ComparisonFolder:
    """The folder of a comparison: its settings and results in comparison.json, tables, and a run a cell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path / "comparison.json"

    @contextmanager
    def opened(self, settings: Mapping[str, Any]) -> Iterator[dict[str, CellResult]]:
        """Gives the results so far, by run, with the folder locked; it is made if there is none.

        Raises:
            CheckpointError: the name is taken by something else, by a comparison with other settings, or in use.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # What a process leaves that was killed before its first comparison.json was written is a beginning.
            others = (each for each in self.path.iterdir() if each.name != LOCK_FILE)
            is_other = not self._file.exists() and not all(each.name.startswith(TEMPORARY_PREFIX) for each in others)
        except OSError as error:
            raise CheckpointError(f"Cannot make '{self.path}': {error.strerror or error}.") from error
        if is_other:
            raise CheckpointError(f"'{self.path}' exists and is no comparison; choose another --name.")
        with locked(self.path):
            remove_leftovers(self.path)
            if not self._file.exists():
                self._write(settings, {})
            yield self._read(settings)

    def _read(self, settings: Mapping[str, Any]) -> dict[str, CellResult]:
        try:
            stored = parse_json(read_bounded(self._file, most_bytes=_MOST_BYTES, within=self.path))
            known, results = stored["settings"], {each["run"]: CellResult(**each) for each in stored["results"]}
        except (OSError, UntrustedFileError, KeyError, TypeError, AttributeError):
            raise CheckpointError(f"'{self._file}' is damaged; delete it, or choose another --name.") from None
        changed = [name for name in settings if known.get(name) != settings[name]]
        if changed:
            raise CheckpointError(
                f"The comparison '{self.path.name}' was begun with another {changed[0]} "
                f"({known.get(changed[0])}, not {settings[changed[0]]}); give the same, or choose another --name."
            )
        return results

    def keep(self, settings: Mapping[str, Any], results: Mapping[str, CellResult]) -> None:
        """Writes the results so far, and the tables of them: results.json is comparison.json itself."""
        self._write(settings, results)
        rows = list(results.values())
        write_atomically(self.path / "results.md", markdown(rows).encode())
        write_atomically(self.path / "results.csv", as_csv(rows).encode())

    def _write(self, settings: Mapping[str, Any], results: Mapping[str, CellResult]) -> None:
        stored = {"settings": settings, "results": [asdict(each) for each in results.values()]}
        write_atomically(self._file, json.dumps(stored, indent=2, allow_nan=False).encode())


def as_csv(results: Sequence[CellResult]) -> str:
    """Returns the results as comma-separated values, under a line of names."""
    stream = io.StringIO()
    names = list(CellResult.__dataclass_fields__)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in results)
    return stream.getvalue()


def markdown(results: Sequence[CellResult]) -> str:
    """Returns two tables: bits per character by layers and model, and all that is known of each cell.

    The first is laid out as table 1 of Karpathy, Johnson and Fei-Fei (2015): a column a model, a row a size and depth.
    """
    kinds = list(dict.fromkeys(each.kind for each in results))
    places = sorted({(each.size or 0, each.layers) for each in results if each.layers is not None})
    by_place = {(each.kind, each.size or 0, each.layers): each.bits for each in results}
    lines = ["| bits/char | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for index, (size, depth) in enumerate(places or [(0, None)]):
        # What has no layers stands in the first row.
        told = [
            by_place.get((kind, size, depth), by_place.get((kind, 0, None)) if index == 0 else None) for kind in kinds
        ]
        lines.append(
            f"| {_place(size, depth)} | " + " | ".join("" if each is None else f"{each:.4f}" for each in told) + " |"
        )
    names = ("model", "layers", "units", "parameters", "steps", "seconds", "validation", "test", "")
    lines += ["", "| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table_rows(results)]
    return "\n".join(lines) + "\n"


def _place(size: int, depth: int | None) -> str:
    layers = "" if depth is None else f"{depth} layer{'s' if depth > 1 else ''}"
    return f"{size}, {layers}" if size else layers


def table_rows(results: Sequence[CellResult]) -> list[tuple[str, ...]]:
    """Returns a row of words for each cell: model, layers, units, parameters, steps, seconds, bits, error."""

    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        (
            each.kind,
            number(each.layers, "d"),
            number(each.hidden_size, ",d"),
            number(each.parameters, ",d"),
            number(each.steps, ",d"),
            number(each.seconds, ",.0f"),
            number(each.validation, ".4f"),
            number(each.test, ".4f"),
            each.error or "",
        )
        for each in results
    ]


def bits_of(score: Score | None) -> float | None:
    """Returns a score's bits per character."""
    return None if score is None else score.bits_per_character
