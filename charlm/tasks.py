"""The shapes of sequence tasks: one table of what distinguishes them, from which all else that is particular follows.

A shape is where the targets of an example lie in a window (docs/data-flow.md). Without a task, a model predicts every
next symbol of a text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Direction = Literal["forward", "both"]


Head = Literal["pooled", "each"]
"""What a network predicts: one label for a whole example, or one for each symbol."""


@dataclass(frozen=True)
class Outputs:
    """What a network predicts where it is not the next symbol: how many labels there are, and where one is due."""

    number: int
    head: Head


@dataclass(frozen=True, kw_only=True)
class Task:
    """A shape of sequence task.

    Attributes:
        read: the function that turns the lines of a file into examples, `module:function`.
        given: the function that finds what is read in a line that may lack a label, `module:function`.
        lay: the function that lays an example's symbols into a window, `module:function`.
        head: where a label is due.
        unit: what a target is, for people.
        direction: the usual direction of reading.
        most_epochs: passes over the examples after which a time budget ends the training.
        next_commands: what can be done with a run, the most usual first.
        description: what a model does with a text, for messages: 'classifies'.
    """

    read: str
    given: str
    lay: str
    head: Head
    unit: str
    direction: Direction
    most_epochs: int
    next_commands: tuple[str, ...]
    description: str


TASKS: dict[str, Task] = {
    "classify": Task(
        read="charlm.data.examples.fields:read_fields",
        given="charlm.data.examples.fields:given_text",
        lay="charlm.data.examples.shapes:label_at_end",
        head="pooled",
        unit="label",
        direction="both",
        most_epochs=10,
        next_commands=("predict", "eval accuracy"),
        description="classifies",
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
