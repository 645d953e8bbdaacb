"""What `charlm eval accuracy` compares, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from charlm.data.examples.stored import StoredExample
from charlm.evaluation.accuracy import LabelRow, LabelScore
from charlm.evaluation.resampling import macro_f1_interval
from charlm.runs.stored.labelling import Labeller


@dataclass(frozen=True)
class Examined:
    """Examples to compare predictions with.

    Attributes:
        examples: as they are stored, and with the names of labels that the model has never learnt.
        inputs: returns the inputs of the examples as they are written, with the characters that the model has never
            learnt; as they are stored where their text is gone.
        train: returns the training examples, for simpler models; None where the text is gone.
        advance: is given the number of examples that were labelled since its last call.
    """

    labeller: Labeller
    examples: list[StoredExample]
    inputs: Callable[[], list[str]]
    train: Callable[[], list[StoredExample] | None]
    advance: Callable[[int], None]


@dataclass(frozen=True)
class Measured:
    """How good predictions are.

    Attributes:
        models: the measures by name, of the run's model under OWN and of simpler models under their names.
        rows: how well each label is found.
        confusion: how often each pair of the true and the predicted label occurs.
        unknown_labels: labels of the examples that the model has never learnt; they are counted as wrong.
    """

    models: dict[str, dict[str, Any]]
    rows: tuple[LabelRow, ...]
    confusion: dict[tuple[str, str], int]
    unknown_labels: tuple[str, ...] = field(default=())


OWN = "own"
Measure = Callable[[Examined], Measured]
"""Applies a model to examples, and compares what it says, and what simpler models say, with what is true."""


def summarise(score: LabelScore) -> dict[str, Any]:
    """Returns the measures that all labels have."""
    share = score.accuracy
    return {
        "examples": share.trials,
        "accuracy": share.value,
        "interval": list(share.interval),
        "macro_f1": score.macro_f1,
        "macro_f1_interval": list(macro_f1_interval(score)),
    }
