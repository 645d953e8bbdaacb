"""`charlm verify`: whether every file of a run is what was written, and what can still be used."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any, get_args

from charlm.checkpointing.container import read_container
from charlm.checkpointing.metrics import NO_LINES, digest_after, read_lines
from charlm.checkpointing.run_folder import RunFolder, find_run
from charlm.config import Adapt, RunConfig
from charlm.data.tokenizers.build import from_json
from charlm.errors import CharlmError, CheckpointError
from charlm.files.errors import read_errors_as
from charlm.files.parsing import parse_json
from charlm.files.reading import read_bounded
from charlm.notation import counted
from charlm.runs.stored.model import read_model_file
from charlm.runs.stored.published import require_config
from charlm.runs.stored.record import RunRecord, StateRecord, adapted_model
from charlm.runs.stored.standing import count_stored
from charlm.runs.stored.state_file import read_state_file
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.build import build_step_model
from charlm.tasks import TASKS
from charlm.training.planning import suggested_steps

_MOST_TOKENIZER_BYTES = 256 << 20


@dataclass(frozen=True)
class FileReport:
    """The state of one file of a run.

    Attributes:
        holds: what is in it, in words; None where it cannot be used.
        problem: what is wrong with it, one sentence; None where nothing is.
    """

    file: str
    holds: str | None
    problem: str | None = None


@dataclass(frozen=True)
class RunReport:
    """The state of a run's files, and the commands that can still use them."""

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
    """Returns the state of a run's files; each is read whole and compared with its checksum, and with the others.

    Raises:
        CheckpointError: there is no such run.
    """
    folder = find_run(run, workspace.checkpoints)
    known: dict[Path, RunRecord] = {}
    older = folder.states().values()
    # A counted model has no states; a training without any has lost its last.
    paths = (folder.last, *older) if folder.last.exists() or older or not folder.best.exists() else ()
    states = {path: _report(path, partial(_describe_state, path, known)) for path in paths}
    # A state that a training removed meanwhile is not damaged.
    states = {path: report for path, report in states.items() if path == folder.last or path.exists()}
    # A run that was stopped before its first evaluation has no best model yet, and none is missing.
    last = known.get(folder.last)
    had_best = isinstance(last, StateRecord) and last.progress.best_step is not None
    has_best = folder.best.exists() or had_best or not states
    bests = [_report(folder.best, partial(_describe_best, folder, known))] if has_best else []
    adaptations = [
        _report(path, partial(_describe_adaptation, path, method, known.get(folder.best)))
        for method in get_args(Adapt)
        if (path := folder.adaptation(method)).exists()
    ]
    newest = next(iter(known.values()), None)
    describe_config = _describe_published_config if folder.is_published else _describe_config
    others = [
        _report(folder.config_file, partial(describe_config, folder, newest)),
        _report(folder.tokenizer_file, partial(_describe_tokenizer, folder, newest)),
    ]
    if not folder.is_published:
        others.append(_report(folder.metrics, partial(_describe_metrics, folder, newest)))
    task = TASKS.get("" if newest is None else newest.config.data.task or "")
    applying = "sample {run}" if task is None else task.next_commands[0]
    usable = [f"charlm {applying.format(run=quote(run))}" for report in bests if report.problem is None]
    going_on = next((path for path, report in states.items() if report.problem is None), None)
    if going_on is not None:
        state = known[going_on]
        is_finished = isinstance(state, StateRecord) and state.is_finished
        longer = f" --steps {suggested_steps(state.step)}" if is_finished else ""
        named = run if going_on == folder.last else str(going_on)
        usable.append(f"charlm train --resume {quote(named)}{longer}")
    return RunReport(folder.name, (*others, *bests, *adaptations, *states.values()), tuple(usable))


def _report(path: Path, describe: Callable[[], str]) -> FileReport:
    try:
        return FileReport(path.name, describe())
    except CharlmError as error:
        return FileReport(path.name, None, str(error))


def _describe_config(folder: RunFolder, newest: RunRecord | None) -> str:
    config = folder.read_config()
    found = config.model_dump()
    expected = found if newest is None else newest.config.model_dump()
    for section, settings in expected.items():
        for name, value in settings.items():
            if name not in _CHANGING and found[section][name] != value:
                raise CheckpointError(
                    f"'{folder.config_file}' says that {section}.{name} is {found[section][name]}, "
                    f"the checkpoints say {value}."
                )
    return _settings_of(config)


def _describe_published_config(folder: RunFolder, best: RunRecord | None) -> str:
    if best is None:
        raise CheckpointError(f"'{folder.config_file}' repeats what '{folder.best}' says, which cannot be used.")
    require_config(folder, best)
    return _settings_of(best.config)


def _settings_of(config: RunConfig) -> str:
    return f"settings of a {config.model.model} model, seed {config.run.seed}"


_CHANGING = {"name", "steps", "evaluations", "accumulation", "mix"}
"""Settings that may be newer in config.toml than in a checkpoint, or changed with the name of the folder."""


def _describe_tokenizer(folder: RunFolder, newest: RunRecord | None) -> str:
    path = folder.tokenizer_file
    with read_errors_as(CheckpointError, path, refusal="is no tokenizer"):
        tokenizer = from_json(parse_json(read_bounded(path, most_bytes=_MOST_TOKENIZER_BYTES, within=folder.path)))
    if newest is not None and tokenizer != newest.tokenizer:
        raise CheckpointError(f"'{path}' is not the tokenizer of the checkpoints.")
    return f"{tokenizer.vocabulary_size:,} symbols ({tokenizer.kind})"


def _describe_metrics(folder: RunFolder, newest: RunRecord | None) -> str:
    state = newest if isinstance(newest, StateRecord) else None
    digest, last_step, num_lines, num_damaged = NO_LINES, -1, 0, 0
    for _, metrics in read_lines(folder.metrics):
        num_lines += 1
        if metrics is None:
            num_damaged += 1
            continue
        if metrics["step"] <= last_step:
            raise CheckpointError(f"The lines of '{folder.metrics}' are not in the order of their steps.")
        last_step = metrics["step"]
        if state is not None and last_step <= state.step:
            digest = digest_after(metrics, digest)
    if num_damaged:
        raise CheckpointError(f"{num_damaged} of {num_lines} lines of '{folder.metrics}' are damaged.")
    if state is not None and state.metrics not in (None, digest):
        raise CheckpointError(f"Lines of '{folder.metrics}' up to step {state.step:,} were changed or removed.")
    return counted(num_lines, "line") + (f", to step {last_step:,}" if num_lines else "")


def _describe_best(folder: RunFolder, known: dict[Path, RunRecord]) -> str:
    stored = read_model_file(folder.best, name=folder.name, within=folder.path)
    if stored.tokenizer.outputs is None:  # Others are not stepped; the shapes of their weights were checked.
        build_step_model(
            stored.config.model,
            stored.weights,
            vocabulary_size=stored.tokenizer.vocabulary_size,
            source=str(stored.source),
        )
    _note(folder.best, stored.record, known)
    parameters = count_stored(stored.record, stored.weights)
    return f"the best model, of step {stored.record.step:,}, {parameters:,} parameters"


def _describe_adaptation(path: Path, method: Adapt, best: RunRecord | None) -> str:
    try:
        values = read_container(path, within=path.parent).values
    except CheckpointError as error:
        raise CheckpointError(f"{error} Remove it; it is made anew where it is needed.") from None
    if best is None or values.get("model") != adapted_model(best):
        return f"what another model learnt for --adapt {method}; made anew where it is needed"
    return f"what the best model learnt from the validation text for --adapt {method}"


def _describe_state(path: Path, known: dict[Path, RunRecord]) -> str:
    record, _ = read_state_file(path)
    _note(path, record, known)
    return f"the state of the training after step {record.step:,}"


def _note(path: Path, record: RunRecord, known: dict[Path, RunRecord]) -> None:
    """Adds the record of an intact file to those known; one of another run than they are is a CheckpointError."""
    for other, its in known.items():
        if its.provenance.identity != record.provenance.identity:
            raise CheckpointError(f"'{path}' is of another run than '{other}'; move one of them away.")
    known[path] = record
