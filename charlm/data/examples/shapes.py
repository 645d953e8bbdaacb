"""The shapes of tasks: where the targets of an example lie in a window."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from charlm.data.lanes import IGNORED
from charlm.data.tokenizers.examples import ExampleTokenizer

Symbols = NDArray[np.int64]

Lay = Callable[[Symbols, ExampleTokenizer], tuple[Symbols, Symbols]]
"""From the symbols of an example, its begin first, to the inputs `[time]` and the targets `[time]` of its lane.

A label that is not known is no target: it is IGNORED. Targets may be fewer than inputs: a label for a whole example is
one, in the first row, whichever symbol the network has read last.
"""


def label_at_end(example: Symbols, tokenizer: ExampleTokenizer) -> tuple[Symbols, Symbols]:
    """Returns the begin and the input as inputs, and the label as the only target."""
    return example[:-1], tokenizer.targets_of(example[-1:], ignored=IGNORED)


def tag_at_each(example: Symbols, tokenizer: ExampleTokenizer) -> tuple[Symbols, Symbols]:
    """Returns the begin and the input as inputs, and the tag of each symbol as its target; the begin has none."""
    inputs = tokenizer.inputs_of(example)
    return inputs, tokenizer.targets_of(example[len(inputs) :], ignored=IGNORED)


def after_condition(example: Symbols, tokenizer: ExampleTokenizer) -> tuple[Symbols, Symbols]:
    """Returns the begin, the condition and the text as inputs, and as targets what follows each but the begin."""
    return example[:-1], np.concatenate([[IGNORED], example[2:]])


def answer_after(example: Symbols, tokenizer: ExampleTokenizer) -> tuple[Symbols, Symbols]:
    """Returns all but the end as inputs, and as targets, from the first row on, the answer and its end."""
    num_read = len(tokenizer.inputs_of(example))
    answer = tokenizer.targets_of(example[num_read + 1 :], ignored=IGNORED)
    return example[:-1], np.concatenate([answer, np.full(num_read, IGNORED)])
