"""What `charlm predict` is given, and what it answers to one line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.runs.stored.labelling import Labeller

_MOST_NAMED = 20


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


@final
class Given:
    """Lines to answer.

    Attributes:
        lines: of a text, without their ends.
        name: of the text, for messages.
        at_once: how many lines may be waited for before the first is answered.
        num_left_out: lines of the text before the first one, for messages.
        are_sentences: whether a line is a sentence of tokens with spaces between, where a model labels tokens.
        warn: shows a sentence that should not be missed.
    """

    def __init__(
        self,
        lines: Iterator[str],
        *,
        name: str,
        at_once: int,
        num_left_out: int = 0,
        are_sentences: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.lines = lines
        self.name = name
        self.at_once = at_once
        self.num_left_out = num_left_out
        self.are_sentences = are_sentences
        self.warn = warn
        self._told_unknown = False

    def encode(self, texts: Sequence[str], tokenizer: ExampleTokenizer) -> list[NDArray[np.int64]]:
        """Returns the symbols of texts, and warns once where some of their characters were never learnt."""
        unknown = [] if self._told_unknown else tokenizer.unknown_characters("".join(texts))
        if unknown:
            self._told_unknown = True
            named = " ".join(unknown[:_MOST_NAMED]) + (" …" if len(unknown) > _MOST_NAMED else "")
            self.warn(f"Characters that the model has never seen are all read as one unknown symbol: {named}")
        return tokenizer.encode_inputs(texts)


Predict = Callable[[Labeller, Given], Iterator[Answer]]
"""From a model and the lines of a text to the answers."""
