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
        make_group(self._file, kind="comparison")
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
        require_same(settings, known, group=f"comparison '{self.path.name}'")
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


def make_group(file: Path, *, kind: str) -> None:
    """Makes the folder of a group of runs, unless it is there; `file` in it tells what kind of group it is.

    Raises:
        CheckpointError: it cannot be made, or its name is taken by something else.
    """
    folder = file.parent
    with os_errors_as(CheckpointError, f"Cannot make '{folder}'"):
        make_folder(folder, exist_ok=True)
        # A process that was killed before it wrote the file leaves temporary files only.
        others = (each for each in folder.iterdir() if each.name != LOCK_FILE)
        is_other = not file.exists() and not all(each.name.startswith(TEMPORARY_PREFIX) for each in others)
    if is_other:
        raise CheckpointError(f"'{folder}' exists and is no {kind}; choose another --name.")


def require_same(settings: Mapping[str, Any], known: Mapping[str, Any], *, group: str) -> None:
    """Checks that a group of runs goes on with what it was begun with.

    Args:
        settings: what is asked for now.
        known: what it was begun with.
        group: what it is called, such as "study 'mine'".

    Raises:
        CheckpointError: something differs; the first such thing is named.
    """
    for name, value in settings.items():
        if (differing := _difference(name, known.get(name), value)) is None:
            continue
        setting, *values = differing
        are_shown = not any(isinstance(each, Mapping) for each in values)
        shown = f" ({', not '.join('none' if each is None else str(each) for each in values)})" if are_shown else ""
        what = name if setting == name else f"setting of {setting.replace('_', '-')}"
        raise CheckpointError(
            f"The {group} was begun with another {what}{shown}; give the same, or choose another --name."
        )


def _difference(name: str, known: Any, value: Any) -> tuple[str, Any, Any] | None:
    """Returns the name of the first setting that differs, and both values; sections are looked into."""
    if not (isinstance(known, Mapping) and isinstance(value, Mapping)):
        return None if known == value else (name, known, value)
    found = (_difference(each, known.get(each), value.get(each)) for each in dict.fromkeys([*value, *known]))
    return next((each for each in found if each is not None), None)
