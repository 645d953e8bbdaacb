"""`charlm list`: every run, a row each, by the headers of its checkpoints alone."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from charlm.checkpointing.container import read_described
from charlm.checkpointing.locking import is_locked
from charlm.checkpointing.run_folder import RunFolder, list_runs, run_folder_at
from charlm.errors import CheckpointError
from charlm.files.reading import when_written
from charlm.runs.describe import name_model
from charlm.runs.stored.standing import Standing, read_standing
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import unit_of

State = Literal["training", "stopped", "finished", "damaged"]


@dataclass(frozen=True)
class RunRow:
    """A run in the list; what is not known of it is None.

    Attributes:
        date: when its newest checkpoint was written, local time.
        text: the label of its text.
        parameters: weights, or grams.
        validation: bits per character of its best model; `test` likewise.
        validation_share: how much of the validation text that was measured on, below 1; None for all of it.
        step: steps done; `total_steps` are planned.
        problem: why it is damaged, one sentence.
        unit: what stands for a character in its scores, for people.
    """

    name: str
    state: State
    date: datetime | None = None
    text: str | None = None
    model: str | None = None
    parameters: int | None = None
    validation: float | None = None
    test: float | None = None
    step: int = 0
    total_steps: int | None = None
    problem: str | None = None
    validation_share: float | None = None
    unit: str = "char"

    def to_json(self) -> dict[str, Any]:
        """Returns the row as JSON values."""
        scores = {"validation": self.validation, "test": self.test}
        values = asdict(self) | {"date": None if self.date is None else self.date.isoformat()}
        kept = {name: value for name, value in values.items() if name not in scores}
        return kept | {"bits_per_character": scores}


def list_all(workspace: Workspace) -> list[RunRow]:
    """Returns a row for every run under checkpoints/, those of comparisons included, the newest first.

    No checksum is compared, so that a list of many large runs takes no time; `charlm verify` finds all damage.
    """
    rows = [_row(name, run_folder_at(workspace.checkpoints / name)) for name in list_runs(workspace.checkpoints)]
    return sorted(rows, key=lambda row: row.date.timestamp() if row.date else 0.0, reverse=True)


def _row(name: str, folder: RunFolder) -> RunRow:
    try:
        standing, problems = read_standing(folder, partial(read_described, within=folder.path))
        if standing is None and not problems and folder.states():
            problems = [f"There is no checkpoint '{folder.last}'."]
    except (CheckpointError, OSError) as error:
        standing, problems = None, [str(error)]
    problem = problems[0] if problems else None
    state = _state(folder, standing, problem)
    if standing is None:
        return RunRow(name, state, problem=problem)
    newest = standing.newest
    return RunRow(
        name,
        state,
        date=max(filter(None, map(when_written, (folder.last, folder.best))), default=None),
        text=newest.provenance.corpus.label,
        model=name_model(standing.model.config),
        parameters=standing.parameters,
        validation=standing.bits_per_character("validation"),
        test=standing.bits_per_character("test"),
        step=newest.step,
        total_steps=standing.total_steps,
        problem=problem,
        validation_share=standing.validation_share,
        unit=unit_of(standing.model.config.data.task),
    )


def _state(folder: RunFolder, standing: Standing | None, problem: str | None) -> State:
    if is_locked(folder.path):
        return "training"
    if problem is not None:
        return "damaged"
    return "finished" if standing is not None and standing.is_finished else "stopped"
