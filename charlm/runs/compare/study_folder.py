"""The folder of a search over settings: what it was begun with, its trials' runs, and the best settings."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
_ATTEMPTS = 20
"""Times that a folder is made which others remove meanwhile; what is still in the way then is something else."""
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
        with self._held():
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

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Makes the folder if there is none, and holds its lock, once other processes are done with it.

        One that cannot begin the study removes the folder, maybe while this one makes or locks it.
        """
        with ExitStack() as stack:
            for attempts_left in reversed(range(_ATTEMPTS)):
                try:
                    make_group(self._file, kind="study")
                    stack.enter_context(locked(self.path, seconds=-1))
                    break
                except CheckpointError as error:
                    # To make a folder finds that it exists, and then that it does not, where it is removed in between.
                    is_gone = isinstance(error.__cause__, FileNotFoundError | FileExistsError)
                    if not is_gone or attempts_left == 0:
                        raise
            yield

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
