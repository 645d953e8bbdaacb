"""Examples read back from their symbols."""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.example import Example
from charlm.data.record_batches import find_records
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.examples import ExampleTokenizer


class StoredExample(NamedTuple):
    """An example as it is in an encoded text.

    Attributes:
        inputs: the symbols of the input, the begin first, int64.
        example: as text; unknown characters are U+FFFD, an unknown label is named so.
    """

    inputs: NDArray[np.int64]
    example: Example


def stored_examples(tokens: TokenFile, tokenizer: ExampleTokenizer, *, step: int = 1) -> Iterator[StoredExample]:
    """Yields the examples of an encoded text in their order: all of them, or the first of every `step`."""
    offsets = find_records(tokens, tokenizer.begin).tolist()
    for start, stop in islice(pairwise(offsets), 0, None, step):
        symbols = tokens.read(start, stop).astype(np.int64)
        yield StoredExample(tokenizer.inputs_of(symbols), tokenizer.decode_example(symbols))
