"""The folder of a comparison: its settings and results so far, and tables of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from charlm.checkpointing.locking import LOCK_FILE, locked
from charlm.errors import CheckpointError
from charlm.files.errors import UntrustedFileError, os_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.files.writing import TEMPORARY_PREFIX, make_folder, remove_leftovers, write_atomically
from charlm.runs.compare.result import VariantResult, as_csv, markdown

_MOST_BYTES = 64 << 20
# Of comparison.json; the first one, of 0.1.0, had no number.
_FORMAT = 2
_RESULTS = TypeAdapter(list[VariantResult], config=ConfigDict(allow_inf_nan=False))


class ComparisonFolder:
    """The folder of a comparison: its settings and results in comparison.json, tables, and a run for each variant.

    Args:
        settings: what a comparison that goes on must have in common with its beginning.
        unknown_bits: bits per character that say which characters the unknown ones of each text are, by the
            attributes of results; added to results of 0.1.0, which lack them.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, unknown_bits: Mapping[str, float]) -> None:
        self.path = path
        self._file = path / "comparison.json"
        self._settings = settings
        self._unknown_bits = unknown_bits

    @contextmanager
    def opened(self) -> Iterator[dict[str, VariantResult]]:
        """Gives the results so far, by run, with the folder locked; it is made if there is none.

        Raises:
            CheckpointError: the name is taken by something else, by a comparison with other settings, or in use.
        """
        with os_errors_as(CheckpointError, f"Cannot make '{self.path}'"):
            make_folder(self.path, exist_ok=True)
            # A process that was killed before it wrote comparison.json leaves temporary files only.
            others = (each for each in self.path.iterdir() if each.name != LOCK_FILE)
            is_other = not self._file.exists() and not all(each.name.startswith(TEMPORARY_PREFIX) for each in others)
        if is_other:
            raise CheckpointError(f"'{self.path}' exists and is no comparison; choose another --name.")
        with locked(self.path):
            remove_leftovers(self.path)
            if not self._file.exists():
                self._write({})
            yield self._read()

    def _read(self) -> dict[str, VariantResult]:
        settings = self._settings
        try:
            stored = parse_json(read_bounded(self._file, most_bytes=_MOST_BYTES, within=self.path))
            known = TypeAdapter(dict[str, Any]).validate_python(stored["settings"])
            results = {each.run: each for each in _RESULTS.validate_json(json.dumps(stored["results"]), strict=True)}
            if stored.get("format", 1) not in (1, _FORMAT):
                raise TypeError("it is of a later format")
            if stored.get("format", 1) == 1:
                results = {name: self._with_unknown(each) for name, each in results.items()}
        except (OSError, UntrustedFileError, KeyError, TypeError, ValidationError):
            raise CheckpointError(f"'{self._file}' is damaged; delete it, or choose another --name.") from None
        changed = [name for name in settings if known.get(name) != settings[name]]
        if changed:
            raise CheckpointError(
                f"The comparison '{self.path.name}' was begun with another {changed[0]} "
                f"({known.get(changed[0])}, not {settings[changed[0]]}); give the same, or choose another --name."
            )
        return results

    def keep(self, results: Mapping[str, VariantResult]) -> None:
        """Writes the results so far, and the tables of them."""
        self._write(results)
        rows = list(results.values())
        write_atomically(self.path / "results.md", markdown(rows).encode())
        write_atomically(self.path / "results.csv", as_csv(rows).encode())

    def _write(self, results: Mapping[str, VariantResult]) -> None:
        stored = {"format": _FORMAT, "settings": self._settings, "results": [asdict(each) for each in results.values()]}
        write_atomically(self._file, json.dumps(stored, indent=2, allow_nan=False).encode())

    def _with_unknown(self, result: VariantResult) -> VariantResult:
        known = {name: more for name, more in self._unknown_bits.items() if getattr(result, name) is not None}
        return replace(result, **{name: getattr(result, name) + more for name, more in known.items()})
