"""`charlm info`: what a run is, and how it went."""

import math
from dataclasses import asdict, dataclass
from shlex import quote
from typing import Any

import torch

from charlm.checkpointing.container import Container, StoredTensor, read_container
from charlm.checkpointing.metrics import read_metrics
from charlm.checkpointing.run_folder import RunFolder, find_run
from charlm.errors import CheckpointError
from charlm.models.build import count_parameters
from charlm.runs.describe import describe_model
from charlm.runs.stored.loading import build_stored
from charlm.runs.stored.metrics import charged_nats, number
from charlm.runs.stored.model import model_of
from charlm.runs.stored.record import MODEL, ModelRecord, StateRecord, network_alone, read_record, section
from charlm.runs.stored.state import is_intact
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.shapes import count_weights
from charlm.training.state import Progress


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """An evaluation of a run: nats per symbol in training since the one before, and on the validation text."""

    step: int
    training: float | None
    validation: float | None


@dataclass(frozen=True)
class RunDescription:
    """What is known of a run: rows for people, `facts` for programs, and its evaluations."""

    name: str
    rows: tuple[tuple[str, str], ...]
    history: tuple[HistoryPoint, ...]
    facts: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        return {"run": self.name, **self.facts, "history": [asdict(point) for point in self.history]}


@dataclass(frozen=True)
class _Standing:
    """How far a run has got, by its newest checkpoint; `state` is None where that is the best model."""

    record: ModelRecord
    state: StateRecord | None
    parameters: int

    @property
    def progress(self) -> Progress:
        return Progress() if self.state is None else self.state.progress

    @property
    def total_steps(self) -> int:
        return self.record.config.training.steps or 0

    @property
    def is_finished(self) -> bool:
        return self.record.step >= self.total_steps if self.state is None else self.state.is_finished


def describe(run: str, workspace: Workspace) -> RunDescription:
    """Returns what is known of a run.

    Raises:
        CheckpointError: there is no such run, or nothing of it can be read.
    """
    folder = find_run(run, workspace.checkpoints)
    standing = _standing(folder, _newest_checkpoint(folder))
    return RunDescription(
        folder.name, _rows(run, folder, standing), _history(folder, standing), _facts(folder, standing)
    )


def _standing(folder: RunFolder, newest: Container[StoredTensor]) -> _Standing:
    source = str(folder.path)
    record = described = read_record(ModelRecord, newest.values, source=source)
    config, tensors = record.config.model, newest.tensors
    # A state of a mixed run has no n-grams: they are counted anew when it goes on.
    if config.mixed_order is not None and not section(tensors, f"{MODEL}.ngrams"):
        described, tensors = record.without_mix(), network_alone(tensors)
    stored = model_of(folder.last, described, tensors, name=folder.name)
    model = build_stored(stored, device=torch.device("cpu")).model
    is_counted = config.model == "ngram"
    size = record.tokenizer.vocabulary_size
    parameters = count_parameters(model) if is_counted else count_weights(config, vocabulary_size=size)
    state = read_record(StateRecord, newest.values, source=source) if "trainer" in newest.values else None
    return _Standing(record, state, parameters)


def _rows(run: str, folder: RunFolder, standing: _Standing) -> tuple[tuple[str, str], ...]:
    record = standing.record
    config, corpus, tokenizer = record.config, record.provenance.corpus, record.tokenizer
    origin, plan = record.provenance.initialized_from, record.plan
    rows = [
        ("run", str(folder.path)),
        ("corpus", f"{corpus.label}, split {corpus.split}, SHA-256 {corpus.digest[:12]}…"),
        ("text", ", ".join(config.data.corpus)),
        ("started from", origin),
        ("vocabulary", f"{tokenizer.vocabulary_size:,} symbols ({tokenizer.kind})"),
        ("model", describe_model(config, parameters=standing.parameters)),
    ]
    if plan is not None:
        state = "finished" if standing.is_finished else f"go on with: charlm train --resume {quote(run)}"
        rows += [
            ("steps", f"{record.step:,} of {standing.total_steps:,} ({state})"),
            ("length", plan.length_in_words),
            ("time", f"{standing.progress.seconds:.0f} s of training"),
            ("best", _best(standing.progress)),
        ]
    versions = f"charlm {record.provenance.charlm}, torch {record.provenance.torch}, seed {config.run.seed}"
    rows += [("made with", versions), ("sizes", None if plan is None else plan.sizes)]
    return tuple((heading, value) for heading, value in rows if value is not None)


def _facts(folder: RunFolder, standing: _Standing) -> dict[str, Any]:
    record, plan, progress = standing.record, standing.record.plan, standing.progress
    return {
        "path": str(folder.path),
        "corpus": record.provenance.corpus.model_dump(),
        "vocabulary_size": record.tokenizer.vocabulary_size,
        "parameters": standing.parameters,
        "step": record.step,
        "total_steps": standing.total_steps,
        "finished": standing.is_finished,
        "length": None if plan is None else plan.length_in_words,
        "choice": None if plan is None else plan.sizes,
        "seconds": None if standing.state is None else progress.seconds,
        "best": {"step": progress.best_step, "nats_per_symbol": progress.best_nats},
        "config": record.config.model_dump(mode="json", exclude_none=True),
    }


def _history(folder: RunFolder, standing: _Standing) -> tuple[HistoryPoint, ...]:
    # Where a run of 0.1.0 has gone on, its older scores are to compare with the newer ones.
    charges_unknown = standing.state is not None and standing.progress.charges_unknown
    log_unknown = math.log(standing.record.tokenizer.num_unknown_characters or 1) if charges_unknown else 0.0
    return tuple(
        HistoryPoint(
            each["step"],
            number(each.get("training_nats_per_symbol")),
            charged_nats(validation, log_unknown=log_unknown),
        )
        for each in read_metrics(folder.metrics)
        if isinstance(validation := each.get("validation"), dict)
    )


def _best(progress: Progress) -> str:
    if progress.best_step is None:
        return "none yet"
    loss = "" if progress.best_nats is None else f"{progress.best_nats:.4f} nats/symbol on validation at "
    return f"{loss}step {progress.best_step:,}"


def _newest_checkpoint(folder: RunFolder) -> Container[StoredTensor]:
    present = [path for path in (folder.last, folder.best) if path.exists()]
    if not present:
        raise CheckpointError(f"Run '{folder.name}' has no checkpoint in '{folder.path}'.")
    # Where the state is damaged, the best model is described; `charlm verify` reports the damage.
    path = next((path for path in present if is_intact(path)), present[0])
    return read_container(path, within=folder.path)
