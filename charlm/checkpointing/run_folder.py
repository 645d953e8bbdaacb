"""A run's folder: which file lies where, how a run is named, made and found."""

import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from charlm.checkpointing.atomic import write_atomically
from charlm.config import RunConfig, validate
from charlm.errors import CheckpointError


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run: config.toml, tokenizer.json, metrics.jsonl, best and last.safetensors."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """All that reproduces the run, as TOML."""
        return self.path / "config.toml"

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer, as JSON."""
        return self.path / "tokenizer.json"

    @property
    def metrics(self) -> Path:
        """One JSON object a line for every evaluation."""
        return self.path / "metrics.jsonl"

    @property
    def best(self) -> Path:
        """The weights with the lowest validation loss; enough to sample and score anywhere."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """The newest state of the training; enough to go on exactly."""
        return self.path / "last.safetensors"

    def write_config(self, config: RunConfig, *, comment: str) -> None:
        """Writes config.toml, under a comment, of one line or several, that says where its numbers come from."""
        heading = "".join(f"# {line}\n" for line in comment.splitlines())
        write_atomically(self.config_file, (heading + dump_config(config)).encode())

    def read_config(self) -> RunConfig:
        """Returns what config.toml says.

        Raises:
            CheckpointError: it is missing or not TOML.
            ConfigError: it holds what charlm does not know.
        """
        return load_config(self.config_file)

    def write_tokenizer(self, tokenizer: Mapping[str, Any]) -> None:
        """Writes tokenizer.json."""
        write_atomically(self.tokenizer_file, json.dumps(tokenizer, ensure_ascii=False).encode())


def dump_config(config: RunConfig) -> str:
    """Returns the configuration as TOML; settings that are absent are left out."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))


def load_config(path: Path) -> RunConfig:
    """Returns the configuration stored in a TOML file.

    Raises:
        CheckpointError: the file is missing or not TOML.
        ConfigError: a setting is unknown or out of range.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"Cannot read '{path}': {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"'{path}' is not a TOML file: {error}.") from None
    return validate(RunConfig, values, source=f"'{path}'")


def find_run(run: str, checkpoints: Path) -> RunFolder:
    """Returns the folder of a run given by name, or by the path of its folder.

    Raises:
        CheckpointError: there is no such run; the ones that exist are named.
    """
    for path in (checkpoints / run, Path(run)):
        if path.is_dir() and (path / "config.toml").exists():
            return RunFolder(path)
    known = list_runs(checkpoints)
    hint = f"there are: {', '.join(known[:10])}" if known else "there are none yet; make one with: charlm train my.txt"
    raise CheckpointError(f"There is no run '{run}' under '{checkpoints}'; {hint}.")


def list_runs(checkpoints: Path) -> list[str]:
    """Returns the names of the runs under `checkpoints`, sorted."""
    return sorted(path.parent.name for path in checkpoints.glob("*/config.toml"))


def require_free(checkpoints: Path, name: str | None) -> None:
    """Returns if a new run can have this name.

    Raises:
        CheckpointError: there is something of that name already.
    """
    if name is not None and (checkpoints / name).exists():
        raise CheckpointError(
            f"Run '{name}' exists already in '{checkpoints / name}'; choose another --name, "
            f"or go on with it: charlm train --resume {name}"
        )


def create_run(checkpoints: Path, *, name: str | None, default_name: str) -> RunFolder:
    """Makes the folder of a new run.

    Without a `name` the run is called `default_name`, numbered from 2 if that is taken.

    Raises:
        CheckpointError: the name is taken, or the folder cannot be made.
    """
    number = 1
    while True:
        chosen = name or (default_name if number == 1 else f"{default_name}-{number}")
        path = checkpoints / chosen
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            require_free(checkpoints, name)
            number += 1
        except OSError as error:
            raise CheckpointError(f"Cannot make '{path}': {error.strerror or error}.") from error
        else:
            return RunFolder(path)


@contextmanager
def discarded_on_failure(folder: RunFolder) -> Iterator[None]:
    """Removes a run's folder, just made, if the block that first fills it fails."""
    try:
        yield
    except BaseException:
        discard(folder)
        raise


def discard(folder: RunFolder) -> None:
    """Removes a run's folder, if there is one."""
    shutil.rmtree(folder.path, ignore_errors=True)
