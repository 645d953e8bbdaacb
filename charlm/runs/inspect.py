"""`charlm info`: what a run is, and how it went."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint
from charlm.checkpointing.metrics import read_metrics
from charlm.checkpointing.run_folder import RunFolder, find_run
from charlm.config import RunConfig, validate
from charlm.errors import CheckpointError, ConfigError
from charlm.models.build import count_parameters
from charlm.runs.loading import model_from
from charlm.runs.mixing import network_alone
from charlm.runs.states import is_intact
from charlm.runs.summary import describe_model
from charlm.runs.workspace import Workspace


@dataclass(frozen=True)
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


def describe(run: str, workspace: Workspace) -> RunDescription:
    """Returns what is known of a run.

    Raises:
        CheckpointError: there is no such run, or nothing of it can be read.
    """
    folder = find_run(run, workspace.checkpoints)
    newest = _newest_checkpoint(folder)
    try:
        return _describe(run, folder, newest)
    except ConfigError as error:
        raise CheckpointError(f"The checkpoint of '{folder.name}' cannot be described: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"The checkpoint of '{folder.name}' lacks what charlm stores ({error!r}).") from None


def _describe(run: str, folder: RunFolder, newest: Checkpoint) -> RunDescription:
    values = newest.values
    config = validate(RunConfig, values["config"], source=f"'{folder.path}'")
    # A state of a mixed run has no n-grams: they are counted anew when it goes on.
    is_part = config.model.mixed_order is not None and not newest.section("model.ngrams")
    loaded = model_from(
        folder.last, network_alone(newest) if is_part else newest, name=folder.name, device=torch.device("cpu")
    )
    parameters = count_parameters(loaded.model)
    total_steps = config.training.steps or 0
    step = int(values["step"])
    progress = values.get("progress", {})
    best_nats, best_step = progress.get("best_nats"), progress.get("best_step")
    corpus = values["corpus"]
    finished = step >= total_steps
    state = "finished" if finished else f"go on with: charlm train --resume {run}"
    training = [
        ("steps", f"{step:,} of {total_steps:,} ({state})"),
        ("length", str(values.get("length"))),
        ("time", f"{progress.get('seconds', 0.0):.0f} s of training"),
        ("best", "none yet" if best_step is None else _best(best_nats, best_step)),
    ]
    rows = [
        ("run", str(folder.path)),
        ("corpus", f"{corpus['label']}, split {corpus['split']}, SHA-256 {corpus['digest'][:12]}…"),
        ("text", ", ".join(config.data.corpus)),
        ("vocabulary", f"{loaded.tokenizer.vocabulary_size:,} symbols ({loaded.tokenizer.kind})"),
        ("model", describe_model(config, parameters=parameters)),
        *training,
        ("made with", f"charlm {values.get('charlm')}, torch {values.get('torch')}, seed {config.run.seed}"),
    ]
    if config.model.model == "ngram":
        rows = [row for row in rows if row not in training]
    if values.get("initialized_from"):
        rows.insert(3, ("started from", str(values["initialized_from"])))
    if values.get("choice"):
        rows.append(("sizes", str(values["choice"])))
    facts = {
        "path": str(folder.path),
        "corpus": corpus,
        "vocabulary_size": loaded.tokenizer.vocabulary_size,
        "parameters": parameters,
        "step": step,
        "total_steps": total_steps,
        "finished": finished,
        "length": values.get("length"),
        "choice": values.get("choice"),
        "seconds": progress.get("seconds"),
        "best": {"step": best_step, "nats_per_symbol": best_nats},
        "config": config.model_dump(mode="json", exclude_none=True),
    }
    history = tuple(
        HistoryPoint(each["step"], each.get("training_nats_per_symbol"), each["validation"].get("nats_per_symbol"))
        for each in read_metrics(folder.metrics)
        if isinstance(each.get("validation"), dict)
    )
    return RunDescription(folder.name, tuple(rows), history, facts)


def _best(nats: float | None, step: int) -> str:
    return f"step {step:,}" if nats is None else f"{nats:.4f} nats/symbol on validation at step {step:,}"


def _newest_checkpoint(folder: RunFolder) -> Checkpoint:
    present = [path for path in (folder.last, folder.best) if path.exists()]
    if not present:
        raise CheckpointError(f"Run '{folder.name}' has no checkpoint in '{folder.path}'.")
    # Of a damaged state, the best model still tells most; `charlm verify` tells of the damage.
    return read_checkpoint(next((path for path in present if is_intact(path)), present[0]))
