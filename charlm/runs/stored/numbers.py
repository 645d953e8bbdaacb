"""The numbers in a checkpoint's tensors, checked where types and shapes do not tell: finite, and in range."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.errors import CheckpointError

_BEFORE = -1
"""The mark for "before the text" among carried symbols."""

Arrays = Mapping[str, NDArray[Any]]


def require_model_numbers(counts: NDArray[np.int64], weights: Arrays, *, source: str) -> None:
    """Checks that these can be counts of symbols and weights.

    Raises:
        CheckpointError: a count is negative, or their sum is out of range, or a weight is not finite.
    """
    if int(counts.min()) < 0 or float(counts.sum(dtype=np.float64)) > 2.0**62:
        raise CheckpointError(f"'{source}' does not hold what charlm stores: its counts of symbols are out of range.")
    for name, array in weights.items():
        if array.dtype.kind == "f" and not bool(np.isfinite(array).all()):
            raise CheckpointError(f"'{source}' cannot be used: {name} is not finite.")


def require_state_numbers(moments: Arrays, carried: Arrays, *, vocabulary_size: int, source: str) -> None:
    """Checks that these can be an optimizer's, and what a network carries from window to window: numbers, or symbols.

    Raises:
        CheckpointError: one is NaN, a square or a number of steps is below zero, or a symbol is none.
    """
    for name, array in moments.items():
        lowest = -np.inf if name.endswith(".exp_avg") else 0.0
        if not bool((array >= lowest).all()):
            raise CheckpointError(f"'{source}' cannot be resumed: the optimizer's {name} is out of range.")
    for name, array in carried.items():
        is_symbols = array.dtype.kind == "i"
        is_sound = ((array >= _BEFORE) & (array < vocabulary_size)) if is_symbols else ~np.isnan(array)
        if not bool(is_sound.all()):
            raise CheckpointError(f"'{source}' cannot be resumed: the carried state.{name} is out of range.")
