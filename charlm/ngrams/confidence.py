"""The evidence that an n-gram model has in a context, as features for the mixture's gate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGE = 4.0
"""The logarithm of a usual count; brings the numbers to about one."""


def num_features(order: int) -> int:
    """Returns the number of features of a model of an order."""
    return 2 * order


def features(totals: NDArray[Any], distinct: NDArray[Any]) -> NDArray[np.float32]:
    """Returns the features of some contexts, float32 `[…, 2 order]`.

    Args:
        totals: how often the context of each length was followed by something, `[order, …]`.
        distinct: by how many different symbols.
    """
    counts = np.moveaxis(np.concatenate((totals, distinct)), 0, -1)
    logs: NDArray[np.float32] = np.log1p(counts, dtype=np.float32)
    return np.divide(logs, _LARGE, out=logs)
