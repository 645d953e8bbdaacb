"""`charlm plot`: the losses of runs while they were trained, from their metrics."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from charlm.checkpointing.metrics import NETWORK_VALIDATION, finite_number, read_metrics
from charlm.checkpointing.run_folder import find_run
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.errors import CheckpointError
from charlm.runs.stored.metrics import charged_nats
from charlm.runs.stored.model import StoredModel, read_any_newest_model
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import unit_of

MIXTURE, NETWORK_ALONE = "mixture", "network alone"

_Text = Literal["training", "validation"]
_Name = tuple[_Text, str | None]


@dataclass(frozen=True, slots=True)
class Point:
    """A loss, and when it was measured: after so many steps, characters trained on, and seconds of training.

    Where a run's losses are not counted by characters, a unit stands for one in `bits_per_character`.
    """

    steps: int
    characters: float
    seconds: float
    bits_per_character: float


@dataclass(frozen=True)
class Curve:
    """One loss of one run.

    Attributes:
        text: what it was measured on; "training" is the mean since the point before.
        model: which part of a mixture it is the loss of, or "mixture" itself; None where the run is no mixture.
        unit: what its losses are counted by, for people.
    """

    run: str
    text: _Text
    model: str | None
    points: tuple[Point, ...]
    unit: str = "char"


def loss_curves(runs: Sequence[str], workspace: Workspace) -> list[Curve]:
    """Returns the curves of one or several runs that have at least one point.

    Runs of one name are called by their paths.

    Raises:
        CheckpointError: there is no such run, it has no model yet, or nothing was measured.
    """
    folders = list(dict.fromkeys(find_run(run, workspace.checkpoints) for run in runs))
    names = [folder.name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder.path) for folder in folders]
    curves = []
    for name, folder in zip(names, folders, strict=True):
        stored, _ = read_any_newest_model(str(folder.path), workspace)
        found = curves_of(name, stored, read_metrics(folder.metrics))
        if not found:
            raise CheckpointError(f"'{folder.metrics}' has no losses to plot.")
        curves += found
    return curves


def curves_of(name: str, stored: StoredModel, metrics: Iterable[dict[str, Any]]) -> list[Curve]:
    """Returns the curves of a run, by its model and the lines of its metrics, that have at least one point."""
    tokenizer, counts = stored.tokenizer, stored.symbol_counts
    log_unknown = math.log(tokenizer.num_unknown_characters or 1)
    # Labels are no characters of a text.
    of_text = counts[: tokenizer.first_label] if isinstance(tokenizer, ExampleTokenizer) else counts
    characters_per_epoch = int(of_text @ tokenizer.symbol_characters[: len(of_text)])
    begins = 0 if tokenizer.begin is None else int(counts[tokenizer.begin])  # Read, but never predicted.
    symbols_per_character = (int(of_text.sum()) - begins) / max(1, characters_per_epoch)
    if tokenizer.outputs is not None:
        symbols_per_character = 1.0
    whole = None if stored.config.model.mixed_order is None else MIXTURE
    points: dict[_Name, list[Point]] = {}
    for line in metrics:
        # Counted models have read their text once.
        step, seconds, epochs = (finite_number(line.get(key, 1)) for key in ("step", "seconds", "epoch"))
        if step is None or seconds is None or epochs is None:
            continue
        alone = line.get(NETWORK_VALIDATION)
        if isinstance(alone, dict):
            whole = MIXTURE  # Also where it was dropped at the end.
        training = finite_number(line.get("training_nats_per_symbol"))
        losses: dict[_Name, float | None] = {
            ("training", None): None if training is None else training * symbols_per_character,
            ("validation", whole): _nats_per_character(line.get("validation"), log_unknown=log_unknown),
        }
        if whole is not None:
            losses["validation", NETWORK_ALONE] = _nats_per_character(alone, log_unknown=log_unknown)
        for curve, nats in losses.items():
            if nats is None:
                continue
            point = Point(int(step), epochs * characters_per_epoch, seconds, nats / math.log(2))
            if point.characters < math.inf and abs(point.bits_per_character) < math.inf:
                points.setdefault(curve, []).append(point)
    # What is trained of a mixture is its network.
    trained = None if whole is None else NETWORK_ALONE
    unit = unit_of(stored.config.data.task)
    return [
        Curve(name, text, trained if text == "training" else part, tuple(each), unit)
        for (text, part), each in points.items()
    ]


def _nats_per_character(score: object, *, log_unknown: float) -> float | None:
    nats = charged_nats(score, log_unknown=log_unknown)
    if nats is None or not isinstance(score, dict):
        return None
    symbols, characters = finite_number(score.get("symbols")), finite_number(score.get("characters"))
    return nats * symbols / characters if symbols and characters else None
