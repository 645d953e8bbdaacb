"""The folder of a run: the names of its files, and how runs are made and found."""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

import tomli_w

from charlm.config import RunConfig, validate
from charlm.errors import CheckpointError
from charlm.files.errors import os_errors_as, read_errors_as
from charlm.files.parsing import parse_toml
from charlm.files.reading import read_bounded
from charlm.files.writing import write_atomically
from charlm.notation import nearest

_MOST_CONFIG_BYTES = 1 << 20
_MOST_LISTED = 10
_STATE = re.compile(r"step-(\d{1,18})\.safetensors")


class DisplacedError(CheckpointError):
    """The folder of a run is not where it was when it was locked."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    It holds config.toml, tokenizer.json, metrics.jsonl, best.safetensors, last.safetensors, and the states
    before the last one, step-N.safetensors. One that was written for others holds config.json, tokenizer.json and the
    best model alone, as model.safetensors, with README.md.

    Attributes:
        place: its device and inode when it was locked; None where nobody writes to it.
        is_published: whether it was written for others.
    """

    path: Path
    place: tuple[int, int] | None = field(default=None, compare=False)
    is_published: bool = False

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """All that reproduces the run, as TOML; as JSON in a folder for others."""
        return self.path / ("config.json" if self.is_published else "config.toml")

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer, as JSON."""
        return self.path / "tokenizer.json"

    @property
    def metrics(self) -> Path:
        """One JSON object a line for every evaluation."""
        return self.path / "metrics.jsonl"

    @property
    def events(self) -> Path:
        """The folder of the event files for TensorBoard, which are made of the metrics."""
        return self.path / "tensorboard"

    @property
    def best(self) -> Path:
        """The weights with the lowest validation loss; enough to sample and score anywhere."""
        return self.path / ("model.safetensors" if self.is_published else "best.safetensors")

    @property
    def last(self) -> Path:
        """The newest state of the training; enough to resume it exactly."""
        return self.path / "last.safetensors"

    def adaptation(self, method: str) -> Path:
        """What the validation text taught about adapting the best model to a text; made anew where it is missing."""
        return self.path / f"adaptation-{method}.safetensors"

    def state_after(self, step: int) -> Path:
        """The file of an older state of the training."""
        return self.path / f"step-{step}.safetensors"

    def pinned(self) -> "RunFolder":
        """Returns the folder with its place on the disk, once it is locked; a missing one is a CheckpointError."""
        with os_errors_as(CheckpointError, f"Cannot read '{self.path}'"):
            return replace(self, place=_place(self.path))

    def require_in_place(self) -> None:
        """Raises a DisplacedError if a pinned folder was removed or moved, even if its name is used again."""
        if not self._is_in_place():
            raise DisplacedError(f"'{self.path}' was removed, moved or replaced while a training was writing to it")

    def discard_beginning(self) -> None:
        """Removes the folder unless it holds a checkpoint, or is not the one that was pinned any more."""
        if self._is_in_place() and not self.has_checkpoint():
            shutil.rmtree(self.path, ignore_errors=True)

    def _is_in_place(self) -> bool:
        try:
            return self.place is None or _place(self.path) == self.place
        except OSError:
            return False

    def has_checkpoint(self) -> bool:
        """Returns whether the folder holds anything of a model, and so is never removed; errors as in `states`."""
        return self.last.exists() or self.best.exists() or bool(self.states())

    def states(self) -> dict[int, Path]:
        """Returns the older states by their steps, newest first; a CheckpointError if the folder cannot be read."""
        with os_errors_as(CheckpointError, f"Cannot read '{self.path}'"):
            found = {int(match[1]): path for path in self.path.iterdir() if (match := _STATE.fullmatch(path.name))}
        return dict(sorted(found.items(), reverse=True))

    def keep_last(self, step: int) -> None:
        """Gives last.safetensors, the state after `step` steps, a second name that outlasts its replacement."""
        try:
            self.state_after(step).hardlink_to(self.last)
        except FileExistsError:
            pass  # From a process that was killed after this step.
        except OSError:
            # A file system without hard links: for a moment there is no last.safetensors, but its state is there.
            with suppress(OSError):
                self.last.rename(self.state_after(step))

    def prune_states(self, *, before: int, keep: int) -> None:
        """Keeps the newest `keep` states from before a step; removes all others, also those after that step."""
        older = [step for step in self.states() if step < before]
        for step, path in self.states().items():
            if step not in older[:keep]:
                with suppress(OSError):
                    path.unlink()

    def write_config(self, config: RunConfig, *, comment: str) -> None:
        """Writes config.toml under a comment about the origin of its numbers, which may have several lines."""
        write_atomically(self.config_file, dump_config(config, comment=comment).encode())

    def read_config(self) -> RunConfig:
        """Returns the configuration in config.toml.

        Raises:
            CheckpointError: it is missing or not TOML.
            ConfigError: a setting is unknown or out of range.
        """
        path = self.config_file
        with read_errors_as(CheckpointError, path, refusal="does not hold the settings of a run"):
            values = parse_toml(read_bounded(path, most_bytes=_MOST_CONFIG_BYTES, within=self.path))
        return validate(RunConfig, values, source=f"'{path}'")

    def write_tokenizer(self, tokenizer: Mapping[str, Any]) -> None:
        """Writes tokenizer.json."""
        write_atomically(self.tokenizer_file, json.dumps(tokenizer, ensure_ascii=False).encode())


def run_folder_at(path: Path) -> RunFolder:
    """Returns the folder of a run as it lies on the disk: one that is trained in, or one written for others."""
    folder = RunFolder(path)
    published = replace(folder, is_published=True)
    if not published.best.is_file() or folder.config_file.exists() or folder.has_checkpoint():
        return folder
    return published


def _place(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def dump_config(config: RunConfig, *, comment: str = "") -> str:
    """Returns the configuration as TOML under a comment; settings that are absent are left out."""
    heading = "".join(f"# {line}\n" for line in comment.splitlines())
    return heading + tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))


def find_run(run: str, checkpoints: Path) -> RunFolder:
    """Returns the folder of a run given by name, or by the path of its folder.

    Raises:
        CheckpointError: there is no such run; the ones that exist are named.
    """
    for path in (checkpoints / run, Path(run)):
        folder = run_folder_at(path)
        if folder.config_file.exists() or (path.is_dir() and folder.has_checkpoint()):
            return folder
        if path.is_file():
            raise CheckpointError(f"'{path}' is a file; name the run, or its folder: {quote(str(path.parent))}")
        inner = list_runs(path)
        if inner:
            one, names = quote(str(Path(run, inner[0]))), _listed(inner)
            raise CheckpointError(f"'{path}' holds several runs, {names}; name one of them, such as {one}")
    known = list_runs(checkpoints)
    near = nearest(run, known)
    if near is not None:
        raise CheckpointError(f"There is no run '{run}' under '{checkpoints}'; did you mean '{near}'?")
    hint = f"there are: {_listed(known)}" if known else "there are none yet; make one with: charlm train my.txt"
    raise CheckpointError(f"There is no run '{run}' under '{checkpoints}'; {hint}.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_LISTED])
    return f"{shown} and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else shown


def list_runs(checkpoints: Path) -> list[str]:
    """Returns the names of the runs under `checkpoints`, sorted; those of a comparison are named `comparison/run`."""
    names = set[str]()
    for folder in _folders(checkpoints):
        if _is_run(folder):
            names.add(folder.name)
        else:
            names.update(f"{folder.name}/{inner.name}" for inner in _folders(folder) if _is_run(inner))
    return sorted(names)


def _folders(path: Path) -> list[Path]:
    """Returns the folders in a folder; none where it cannot be read."""
    try:
        return [each for each in path.iterdir() if each.is_dir()]
    except (OSError, UnicodeEncodeError):  # The latter: a name that no folder can have.
        return []


def _is_run(folder: Path) -> bool:
    try:
        return any(each.name == "config.toml" or each.suffix == ".safetensors" for each in folder.iterdir())
    except OSError:
        return False


def find_state(run: str, checkpoints: Path) -> tuple[RunFolder, Path]:
    """Returns a run, as `find_run` does, and its state to go on from: the last one, or the one whose file is named."""
    for path in (checkpoints / run, Path(run)):
        if path.is_file():
            return RunFolder(path.parent), path
    folder = find_run(run, checkpoints)
    return folder, folder.last
