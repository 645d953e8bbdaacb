"""`charlm info`: what a run is, and how it went."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from charlm.checkpointing.container import read_container
from charlm.checkpointing.metrics import NETWORK_VALIDATION, finite_number, read_metrics
from charlm.checkpointing.run_folder import RunFolder, find_run
from charlm.errors import CheckpointError
from charlm.files.reading import when_written
from charlm.runs.describe import describe_model
from charlm.runs.stored.metrics import charged_nats
from charlm.runs.stored.standing import Standing, read_standing, standing_of_file
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import unit_of


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """An evaluation of a run: nats per symbol in training since the one before, and on the validation text.

    Where n-grams are mixed in, `training` is the network's, `validation` the mixture's, and `network` the network's on
    the validation text.
    """

    step: int
    training: float | None
    validation: float | None
    network: float | None = None


@dataclass(frozen=True)
class RunDescription:
    """What is known of a run: rows for people, `facts` for programs, its evaluations, and what their losses are per."""

    name: str
    rows: tuple[tuple[str, str], ...]
    history: tuple[HistoryPoint, ...]
    facts: dict[str, Any]
    unit: str = "symbol"

    def to_json(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        keys = ("step", "training", "validation")
        history = [{key: getattr(point, key) for key in keys} for point in self.history]
        return {"run": self.name, **self.facts, "history": history}


def describe(run: str, workspace: Workspace) -> RunDescription:
    """Returns what is known of a run, or of a checkpoint file that lies alone; files are compared with their checksums.

    A CheckpointError if nothing of it can be read.
    """
    path = Path(run)
    if path.is_file():
        alone = standing_of_file(path, read_container(path))
        return RunDescription(run, _rows(run, path, (path,), alone), (), _facts(path, (path,), alone))
    folder = find_run(run, workspace.checkpoints)
    # Where one is damaged, the other is described; `charlm verify` reports the damage.
    standing, problems = read_standing(folder, partial(read_container, within=folder.path))
    if standing is None:
        nothing = f"Run '{folder.name}' has no checkpoint in '{folder.path}'."
        raise CheckpointError(problems[0] if problems else nothing)
    files = tuple(each for each in folder.path.iterdir() if each.is_file())
    return RunDescription(
        folder.name,
        (*_rows(run, folder.path, files, standing), *(("damaged", problem) for problem in problems)),
        _history(folder, standing),
        _facts(folder.path, files, standing),
        _unit(standing),
    )


def _rows(run: str, path: Path, files: Sequence[Path], standing: Standing) -> tuple[tuple[str, str], ...]:
    record = standing.newest
    corpus, tokenizer, model = record.provenance.corpus, record.tokenizer, standing.model.config
    origin, plan = record.provenance.initialized_from, record.plan
    rows = [
        ("run", str(path)),
        ("date", None if (date := _written(files)) is None else f"{date:%Y-%m-%d %H:%M}"),
        ("on disk", f"{_size_on_disk(files) / 1e6:,.2f} MB"),
        ("corpus", f"{corpus.label}, split {corpus.split}, SHA-256 {corpus.digest[:12]}…"),
        ("text", ", ".join(record.config.data.corpus)),
        ("started from", origin),
        ("vocabulary", f"{tokenizer.vocabulary_size:,} symbols ({tokenizer.kind})"),
        ("model", describe_model(model, parameters=standing.parameters)),
    ]
    if plan is not None and standing.state is None:
        state = "finished" if standing.is_finished else "not finished when it was written"
        rows += [("steps", f"{record.step:,} at the best model ({state})"), ("length", plan.length_in_words)]
    elif plan is not None:
        state = "finished" if standing.is_finished else f"go on with: charlm train --resume {quote(run)}"
        rows += [
            ("steps", f"{record.step:,} of {standing.total_steps:,} ({state})"),
            ("length", plan.length_in_words),
            ("time", f"{standing.progress.seconds:.0f} s of training"),
            ("best", _best(standing)),
        ]
    for split in standing.scores:
        bits = standing.bits_per_character(split)
        part = _part_of_validation(standing) if split == "validation" else ""
        rows.append((split, None if bits is None else f"{bits:.4f} bits/{unit_of(model.data.task)}{part}"))
    versions = f"charlm {record.provenance.charlm}, torch {record.provenance.torch}, seed {record.config.run.seed}"
    rows += [("made with", versions), ("sizes", None if plan is None else plan.sizes)]
    return tuple((heading, value) for heading, value in rows if value is not None)


def _facts(path: Path, files: Sequence[Path], standing: Standing) -> dict[str, Any]:
    record, plan, progress = standing.newest, standing.newest.plan, standing.progress
    return {
        "path": str(path),
        "date": None if (date := _written(files)) is None else date.isoformat(),
        "size_bytes": _size_on_disk(files),
        "corpus": record.provenance.corpus.model_dump(),
        "vocabulary_size": record.tokenizer.vocabulary_size,
        "parameters": standing.parameters,
        "step": record.step,
        "total_steps": record.config.training.steps or 0,
        "finished": standing.is_finished,
        "length": None if plan is None else plan.length_in_words,
        "choice": None if plan is None else plan.sizes,
        "seconds": None if standing.state is None else progress.seconds,
        "best": {"step": progress.best_step, "nats_per_symbol": progress.best_nats},
        "validation": standing.scores.get("validation"),
        "validation_share": standing.validation_share,
        "test": standing.scores.get("test"),
        "config": record.config.model_dump(mode="json", exclude_none=True),
    }


def _written(files: Sequence[Path]) -> datetime | None:
    """Returns when the newest of the checkpoints among some files was written."""
    return max(filter(None, (when_written(each) for each in files if each.suffix == ".safetensors")), default=None)


def _size_on_disk(files: Sequence[Path]) -> int:
    """Returns the bytes of a run's files; one that a training replaces meanwhile may be left out."""
    total = 0
    for each in files:
        with suppress(FileNotFoundError):
            total += each.stat().st_size
    return total


def _history(folder: RunFolder, standing: Standing) -> tuple[HistoryPoint, ...]:
    # Where a run of 0.1.0 has gone on, its older scores are to compare with the newer ones.
    charges_unknown = standing.state is not None and standing.progress.charges_unknown
    log_unknown = math.log(standing.newest.tokenizer.num_unknown_characters or 1) if charges_unknown else 0.0
    return tuple(
        HistoryPoint(
            each["step"],
            finite_number(each.get("training_nats_per_symbol")),
            charged_nats(validation, log_unknown=log_unknown),
            charged_nats(each.get(NETWORK_VALIDATION), log_unknown=log_unknown),
        )
        for each in read_metrics(folder.metrics)
        if isinstance(validation := each.get("validation"), dict)
    )


def _best(standing: Standing) -> str:
    progress = standing.progress
    if progress.best_step is None:
        return "none yet"
    if progress.best_nats is None:
        return f"step {progress.best_step:,}"
    share = 1.0 if standing.newest.plan is None else standing.newest.plan.evaluated_share
    part = "the validation text" if standing.newest.tokenizer.outputs is None else "the validation examples"
    text = part if share == 1.0 else f"{share:.0%} of {part}"
    found = f"{progress.best_nats:.4f} nats/{_unit(standing)} at step {progress.best_step:,}"
    return f"{found}, evaluated in training, on {text}"


def _unit(standing: Standing) -> str:
    """Returns what losses are measured for each of: symbols, or what a task predicts."""
    tokenizer = standing.newest.tokenizer
    return "symbol" if tokenizer.outputs is None else unit_of(standing.newest.config.data.task)


def _part_of_validation(standing: Standing) -> str:
    """Returns when the validation text was read for the score, and what part of it, where it was not all."""
    if standing.best is not None and standing.best.final is not None:
        return ", scored at the end, on all of the validation text"
    share = standing.validation_share
    return "" if share is None else f", on {share:.0%} of the validation text so far"
