"""`charlm verify`: is every file of a run what was written, and what can still be used."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from charlm.checkpointing.metrics import read_lines
from charlm.checkpointing.run_folder import RunFolder, find_run
from charlm.data.tokenizers.build import from_json
from charlm.errors import CharlmError, CheckpointError
from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.models.build import count_parameters
from charlm.runs.stored.loading import build_stored
from charlm.runs.stored.model import read_model_file
from charlm.runs.stored.state import open_state
from charlm.runs.stored.workspace import Workspace

_MOST_TOKENIZER_BYTES = 256 << 20


@dataclass(frozen=True)
class FileReport:
    """What a file of a run is.

    Attributes:
        holds: what is in it, in words; None where it cannot be used.
        problem: what is wrong with it, one sentence; None where nothing is.
    """

    file: str
    holds: str | None
    problem: str | None = None


@dataclass(frozen=True)
class RunReport:
    """What the files of a run are, and what can be done with them, a sentence each."""

    run: str
    files: tuple[FileReport, ...]
    usable: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return all(report.problem is None for report in self.files)

    def to_json(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        return {"whole": self.is_whole, **asdict(self)}


def verify_run(run: str, workspace: Workspace) -> RunReport:
    """Returns what the files of a run are; each is read whole and compared with its checksum.

    Raises:
        CheckpointError: there is no such run.
    """
    folder = find_run(run, workspace.checkpoints)
    config = _report(folder.config_file, lambda: _describe_config(folder))
    tokenizer = _report(folder.tokenizer_file, lambda: _describe_tokenizer(folder))
    metrics = _report(folder.metrics, lambda: _describe_metrics(folder))
    states = {path: _report(path, partial(_describe_state, path)) for path in _states(folder)}
    # A run that was stopped before its first evaluation has no best model yet, and none is missing.
    bests = [_report(folder.best, lambda: _describe_best(folder))] if folder.best.exists() or not states else []
    usable = [f"charlm sample {run}" for report in bests if report.problem is None]
    going_on = next((path for path, report in states.items() if report.problem is None), None)
    if going_on is not None:
        usable.append(f"charlm train --resume {run if going_on == folder.last else going_on}")
    return RunReport(folder.name, (config, tokenizer, metrics, *bests, *states.values()), tuple(usable))


def _states(folder: RunFolder) -> tuple[Path, ...]:
    is_counted = folder.best.exists() and not folder.last.exists() and not folder.states()
    return () if is_counted else (folder.last, *folder.states().values())


def _report(path: Path, describe: Callable[[], str]) -> FileReport:
    try:
        return FileReport(path.name, describe())
    except CharlmError as error:
        return FileReport(path.name, None, str(error))


def _describe_config(folder: RunFolder) -> str:
    config = folder.read_config()
    return f"settings of a {config.model.model} model, seed {config.run.seed}"


def _describe_tokenizer(folder: RunFolder) -> str:
    path = folder.tokenizer_file
    try:
        tokenizer = from_json(parse_json(read_bounded(path, most_bytes=_MOST_TOKENIZER_BYTES, within=folder.path)))
    except OSError as error:
        raise CheckpointError(f"Cannot read '{path}': {error.strerror or error}.") from None
    except UntrustedFileError as error:
        raise CheckpointError(f"'{path}' is no tokenizer: it {error}.") from None
    return f"{tokenizer.vocabulary_size:,} symbols ({tokenizer.kind})"


def _describe_metrics(folder: RunFolder) -> str:
    records, num_damaged = read_lines(folder.metrics)
    steps = [record["step"] for record in records]
    if num_damaged:
        raise CheckpointError(f"{num_damaged} of {len(steps) + num_damaged} lines of '{folder.metrics}' are damaged.")
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise CheckpointError(f"The lines of '{folder.metrics}' are not in the order of their steps.")
    return f"{len(steps)} lines" + (f", to step {steps[-1]:,}" if steps else "")


def _describe_best(folder: RunFolder) -> str:
    stored = read_model_file(folder.best, name=folder.name, within=folder.path)
    loaded = build_stored(stored, device=torch.device("cpu"))
    return f"the best model, of step {stored.record.step:,}, {count_parameters(loaded.model):,} parameters"


def _describe_state(path: Path) -> str:
    state = open_state(path)
    return f"the state of the training after step {state.record.step:,}"
