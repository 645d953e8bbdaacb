"""The entropy coder: symbols to bytes and back, each in as many bits as its model's code length says.

What is coded is not the model's probabilities but weights made of its logits, which are rounded to steps of 1/1024
below the highest. A step is small enough that the code grows by less than a thousandth, and what follows it is
exact: equal logits give equal bits. docs/decisions/0010-compression.md says what that promises.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.compression.lanes import LaneReader, in_columns
from charlm.data.tokenizers.base import Tokens
from charlm.errors import CharlmError
from charlm.files.errors import UntrustedFileError
from charlm.stepping.base import Floats

Advance = Callable[[int], None]

_STEPS_IN_ONE = 1024
_SMALLEST = 24
"""The coder counts probabilities in units of 2 ** -24, and gives every symbol one unit at least."""

_MOST_NUMBERS = 1 << 18
"""The most logits that wait to be coded."""

WORD = np.dtype("<u4")


def encode(reader: LaneReader, lanes: list[Tokens], *, advance: Advance) -> bytes:
    """Returns the code of the symbols of some lanes; the reader goes on after them.

    Args:
        advance: is given the number of symbols coded since its last call.

    Raises:
        CharlmError: the model's output is not finite.
    """
    library = coder_library()
    coder, family = library.queue.RangeEncoder(), library.model.Categorical(perfect=False)
    columns, is_coded = in_columns(lanes, before=reader.last)
    chunk = max(1, _MOST_NUMBERS // (reader.num_lanes * reader.vocabulary_size))
    for start in range(0, len(columns), chunk):
        rows, coded = columns[start : start + chunk], is_coded[start : start + chunk]
        logits = np.empty((*rows.shape, reader.vocabulary_size), dtype=np.float32)
        for row, symbols in zip(logits, rows, strict=True):
            row[:] = reader.logits()
            reader.last = symbols
        symbols = rows[coded]
        if len(symbols):
            coder.encode(symbols, family, weights_of(logits[coded]))
        advance(len(symbols))
    code: NDArray[np.uint32] = coder.get_compressed()
    return code.astype(WORD).tobytes()


def decode(reader: LaneReader, code: bytes, lengths: list[int], *, advance: Advance) -> list[Tokens]:
    """Returns the symbols of some lanes from their code; the reader goes on after them.

    Args:
        lengths: of the lanes.
        advance: as in `encode`.

    Raises:
        UntrustedFileError: it is no code of this model's.
        CharlmError: the model's output is not finite.
    """
    if len(code) % WORD.itemsize:
        raise UntrustedFileError(FOREIGN)
    library = coder_library()
    family = library.model.Categorical(perfect=False)
    coder = library.queue.RangeDecoder(np.frombuffer(code, dtype=WORD).astype(np.uint32))
    shortest, columns = min(lengths), np.zeros((max(lengths), reader.num_lanes), dtype=np.int32)
    try:
        for time, row in enumerate(columns):
            weights = weights_of(reader.logits())
            if time < shortest:
                row[:] = coder.decode(family, weights)
                advance(reader.num_lanes)
            else:
                if reader.last is not None:
                    row[:] = reader.last
                is_coded = np.array(lengths) > time
                row[is_coded] = coder.decode(family, weights[is_coded])
                advance(int(is_coded.sum()))
            reader.last = row
    except AssertionError:  # constriction's; nothing else in the block has assertions about the code.
        raise UntrustedFileError(FOREIGN) from None
    return [column[:length] for column, length in zip(columns.T, lengths, strict=True)]


FOREIGN = "has a code that is not of this model"


def weights_of(logits: Floats) -> Floats:
    """Returns what the coder takes for the probabilities of symbols, without their sum being one.

    Args:
        logits: `[rows, vocabulary]`.

    Raises:
        CharlmError: they are not finite.
    """
    highest = np.maximum.reduce(logits, axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        raise CharlmError(
            "The model's output is not finite, so it cannot compress: its training diverged or its weights are damaged."
        )
    table = _exponentials()
    steps = (highest - logits) * np.float32(_STEPS_IN_ONE)
    np.rint(steps, out=steps)
    np.minimum(steps, np.float32(len(table) - 1), out=steps)
    weights: Floats = table.take(steps.astype(np.intp))
    return weights


@cache
def _exponentials() -> Floats:
    """Returns exp(-k / 1024) for k = 0, 1, … down to the least probability that the coder knows."""
    most = round(_SMALLEST * np.log(2.0) * _STEPS_IN_ONE)
    return np.exp(-np.arange(most + 1) / _STEPS_IN_ONE).astype(np.float32)


def coder_library() -> Any:
    """Returns constriction's coders."""
    # Late: it is of the extra "compress".
    import constriction

    return constriction.stream
