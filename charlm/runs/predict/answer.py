"""What `charlm predict` answers to one line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from charlm.runs.stored.labelling import Labeller


@dataclass(frozen=True)
class Answer:
    """What a model says of a line.

    Attributes:
        line: for people and other programs.
        likeliest: what else it might be, with probabilities, the likeliest first; empty for an empty line.
        values: all of it as JSON values; None for a line that says nothing by itself, such as a comment.
    """

    line: str
    likeliest: dict[str, float] = field(default_factory=dict)
    values: dict[str, Any] | None = None


Predict = Callable[[Labeller, Iterator[str], int], Iterator[Answer]]
"""From a model, the lines of a text, and how many may be waited for before the first is answered, to the answers."""
