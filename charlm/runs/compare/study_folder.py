"""The folder of a search over settings: what it was begun with, its trials' runs, and the best settings."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from charlm.checkpointing.locking import locked
from charlm.config import RunConfig, validate
from charlm.errors import CheckpointError, ConfigError
from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.files.writing import remove_leftovers, write_atomically
from charlm.runs.compare.folder import make_group, require_same

_MOST_BYTES = 16 << 20
_FORMAT = 1
_ANYTHING = TypeAdapter(dict[str, Any])


class StudyFolder:
    """The folder of a study: study.json, the trials in journal.jsonl, best.toml, and a run for each trial.

    Args:
        settings: what a study that goes on must have in common with its beginning.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.best = path / "best.toml"
        self._file = path / "study.json"
        self._settings = settings

    def begin(self, plan: Callable[[], RunConfig]) -> RunConfig:
        """Returns what charlm itself chooses for a trial; the folder is made if there is none.

        Args:
            plan: chooses it; called for a new study alone, while other processes wait.

        Raises:
            CheckpointError: the name is taken by something else, or by a study that was begun with something else.
        """
        make_group(self._file, kind="study")
        with locked(self.path, seconds=-1):
            remove_leftovers(self.path)
            if not self._file.exists():
                try:
                    planned = plan()
                except BaseException:
                    # Nothing is left behind of what could not be begun.
                    shutil.rmtree(self.path, ignore_errors=True)
                    raise
                stored = {"format": _FORMAT, "settings": self._settings, "planned": planned.model_dump(mode="json")}
                write_atomically(self._file, json.dumps(stored, indent=2, allow_nan=False).encode())
        return self._read()

    def _read(self) -> RunConfig:
        try:
            stored = _ANYTHING.validate_python(
                parse_json(read_bounded(self._file, most_bytes=_MOST_BYTES, within=self.path))
            )
            if stored["format"] != _FORMAT:
                raise TypeError("it is of a later format")
            known = _ANYTHING.validate_python(stored["settings"])
            planned = validate(RunConfig, _ANYTHING.validate_python(stored["planned"]))
        except (OSError, UntrustedFileError, KeyError, TypeError, ValidationError, ConfigError):
            raise CheckpointError(f"'{self._file}' is damaged; begin anew with another --name.") from None
        # As a file has them: lists for tuples.
        require_same(json.loads(json.dumps(self._settings)), known, group=f"study '{self.path.name}'")
        return planned
