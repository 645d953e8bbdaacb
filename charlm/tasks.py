"""The shapes of sequence tasks: one table of what distinguishes them, from which all else that is particular follows.

A shape is where the targets of an example lie in a window (docs/data-flow.md). Without a task, a model predicts every
next symbol of a text.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["forward", "both"]


Head = Literal["pooled", "each", "sequence"]
"""What a network predicts: one label for a whole example, one for each symbol, or as many as it takes."""


@dataclass(frozen=True)
class Outputs:
    """What a network predicts where it is not the next symbol: how many labels there are, and where one is due."""

    number: int
    head: Head


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of a network for a time budget; docs/budget.md has what they were measured on.

    Attributes:
        widths: units of a layer, for at most so many symbols in the examples for training, in order.
        most_epochs: passes over the examples after which the training ends.
        fewest_steps: steps below which narrower layers learn more in the time; 0 where that was never seen.
        rate: the learning rate, as a share of the usual one.
        dropout: None where it depends on the passes over the examples.
    """

    widths: tuple[tuple[float, int], ...]
    num_layers: int
    batch_size: int
    most_epochs: int
    fewest_steps: int = 0
    rate: float = 1.0
    dropout: float | None = None


_LABELS = ((1e6, 96), (1e7, 128), (math.inf, 192))


@dataclass(frozen=True, kw_only=True)
class Task:
    """A shape of sequence task. Functions and classes are named `module:name`.

    Attributes:
        read: the function that turns the lines of a file into examples; charlm/data/examples/example.py says how.
        has_fields: whether an example is a line of two fields.
        sides: what these are, for messages.
        tokenizer: the class that makes symbols of examples.
        lay: the function that lays an example's symbols into a window; charlm/data/examples/shapes.py says how.
        head: where a label is due; None where the next symbol is predicted, on the condition of a label.
        label_first: whether the label is left of the tab.
        unit: what a target is, for people.
        direction: the usual direction of reading.
        sizes: for a time budget; None where they are chosen as for text.
        predict: the function that answers lines with a model; charlm/runs/predict/answer.py says how.
        score: the function that gives the log-probability of each label; charlm/runs/stored/labelling.py says how.
        measure: the function that compares predictions with examples; charlm/runs/evaluate/measured.py says how.
        sample: the function that shows what a model says while it is trained; charlm/runs/train/samples.py says how.
        next_commands: what can be done with a run, the most usual first.
        description: what a model does with a text, for messages: 'classifies'.
    """

    read: str
    has_fields: bool = True
    sides: tuple[str, str] = ("TEXT", "LABEL")
    label_first: bool = False
    tokenizer: str
    lay: str
    head: Head | None
    unit: str
    direction: Direction = "both"
    sizes: Sizes | None
    predict: str
    score: str = "charlm.runs.stored.labelling:score_outputs"
    measure: str
    sample: str
    next_commands: tuple[str, ...] = ("predict {run}", "eval accuracy {run}")
    description: str


TASKS: dict[str, Task] = {
    "classify": Task(
        read="charlm.data.examples.fields:read_fields",
        tokenizer="charlm.data.tokenizers.labels:LabelTokenizer",
        lay="charlm.data.examples.shapes:label_at_end",
        head="pooled",
        unit="label",
        sizes=Sizes(
            widths=_LABELS, num_layers=2, batch_size=32, most_epochs=10, fewest_steps=300, rate=0.2, dropout=0.3
        ),
        predict="charlm.runs.predict.lines:predict_lines",
        measure="charlm.runs.evaluate.labels:measure_labels",
        sample="charlm.runs.train.samples:sample_labels",
        description="classifies",
    ),
    "tag": Task(
        read="charlm.data.examples.columns:read_columns",
        has_fields=False,
        tokenizer="charlm.data.tokenizers.tags:TagTokenizer",
        lay="charlm.data.examples.shapes:tag_at_each",
        head="each",
        unit="tag",
        sizes=Sizes(widths=_LABELS, num_layers=2, batch_size=32, most_epochs=20),
        predict="charlm.runs.predict.columns:predict_columns",
        measure="charlm.runs.evaluate.tags:measure_tags",
        sample="charlm.runs.train.samples:sample_labels",
        description="tags",
    ),
    "generate": Task(
        read="charlm.data.examples.fields:read_fields",
        sides=("CONDITION", "TEXT"),
        label_first=True,
        tokenizer="charlm.data.tokenizers.conditions:ConditionTokenizer",
        lay="charlm.data.examples.shapes:after_condition",
        head=None,
        unit="char",
        direction="forward",
        sizes=None,
        predict="charlm.runs.predict.lines:predict_lines",
        score="charlm.runs.stored.labelling:score_by_bayes",
        measure="charlm.runs.evaluate.conditions:measure_conditions",
        sample="charlm.runs.train.samples:sample_texts",
        next_commands=("sample {run} --condition CONDITION", "predict {run}", "eval accuracy {run}"),
        description="writes on conditions that it learnt from",
    ),
    "transduce": Task(
        read="charlm.data.examples.fields:read_fields",
        sides=("TEXT", "ANSWER"),
        tokenizer="charlm.data.tokenizers.targets:TargetTokenizer",
        lay="charlm.data.examples.shapes:answer_after",
        head="sequence",
        unit="symbol",
        sizes=Sizes(widths=((math.inf, 192),), num_layers=1, batch_size=256, most_epochs=40, rate=0.25),
        predict="charlm.runs.predict.answers:predict_answers",
        measure="charlm.runs.evaluate.answers:measure_answers",
        sample="charlm.runs.train.samples:sample_answers",
        description="answers",
    ),
}
"""Every task by its name on the command line."""


def task_names() -> tuple[str, ...]:
    """Returns the names of all tasks."""
    return tuple(TASKS)


def names_with(is_wanted: Callable[[Task], bool]) -> tuple[str, ...]:
    """Returns the names of the tasks that a function says yes to."""
    return tuple(name for name, task in TASKS.items() if is_wanted(task))


def num_directions(direction: Direction | None) -> int:
    """Returns in how many directions a text is read."""
    return 2 if direction == "both" else 1


def unit_of(task: str | None) -> str:
    """Returns what the losses of a task are counted by, for people; None is text that is continued."""
    return "char" if task is None else TASKS[task].unit
