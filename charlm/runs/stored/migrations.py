"""From the values of older checkpoints to those of today, one named step a format; steps are only ever added.

Checkpoints of charlm 0.1.0 have no number of a format: they are of format 1. A step takes the values of its format
and returns those of the next. It is never changed afterwards, as files of its format lie on disks.
"""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from charlm.errors import CheckpointError

Values = dict[str, Any]


def _group_facts(values: Values) -> Values:
    """Format 1 to 2: provenance and plan are groups, and whether a run was replanned is a fact of its own."""
    later = {key: value for key, value in values.items() if key not in _PROVENANCE | _PLAN}
    later["provenance"] = {key: values[key] for key in _PROVENANCE if values.get(key) is not None}
    if isinstance(values.get("length"), str):
        length, _, rest = values["length"].partition("; ")
        later["plan"] = {
            "length": length,
            "is_replanned": rest != "",
            "sizes": values.get("choice"),
            "seconds": values.get("training_seconds"),
            "mix_on_trial": bool(values.get("mix_on_trial")),
            # Format 1 does not say; nearly always it was, once the training had ended.
            "is_judged": _has_ended(values),
        }
    progress = values.get("progress")
    if isinstance(progress, Mapping) and isinstance(progress.get("rollbacks"), list):
        later["progress"] = {**progress, "rollbacks": [_renamed(each) for each in progress["rollbacks"]]}
    trainer = values.get("trainer")
    if isinstance(trainer, Mapping) and "pace" in trainer:
        later["trainer"] = {("legs" if key == "pace" else key): value for key, value in trainer.items()}
    return later


_PROVENANCE = {"charlm", "torch", "corpus", "initialized_from"}
_PLAN = {"length", "choice", "training_seconds", "mix_on_trial"}


def _has_ended(values: Values) -> bool:
    training = values["config"].get("training") if isinstance(values.get("config"), Mapping) else None
    steps = training.get("steps") if isinstance(training, Mapping) else None
    return isinstance(steps, int) and isinstance(values.get("step"), int) and values["step"] >= steps


def _renamed(rollback: Any) -> Any:
    names = {"from": "from_step", "to": "to_step"}
    return (
        {names.get(key, key): value for key, value in rollback.items()} if isinstance(rollback, Mapping) else rollback
    )


def _mark_best_loss(values: Values) -> Values:
    """Format 2 to 3: which characters the unknown symbols stand for is charged; in the best loss so far it was not."""
    progress = values.get("progress")
    if not isinstance(progress, Mapping):
        return values
    return {**values, "progress": {**progress, "charges_unknown": False}}


MIGRATIONS: tuple[Callable[[Values], Values], ...] = (_group_facts, _mark_best_loss)
"""The step from format 1, the step from format 2, and so on."""

FORMAT = len(MIGRATIONS) + 1
"""The format that is written today."""


def migrated(values: Mapping[str, Any], *, source: str) -> Values:
    """Returns the values in today's format; one that this charlm does not know is a CheckpointError."""
    number = values.get("format", 1)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise CheckpointError(f"'{source}' does not hold what charlm stores: its format is {reprlib.repr(number)}.")
    if number > FORMAT:
        raise CheckpointError(
            f"'{source}' has format {reprlib.repr(number)}, and this charlm knows formats up to {FORMAT}; "
            "use a newer charlm."
        )
    migrating = {key: value for key, value in values.items() if key != "format"}
    for step in MIGRATIONS[number - 1 :]:
        migrating = step(migrating)
    return migrating
