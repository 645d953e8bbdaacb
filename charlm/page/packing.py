"""A network's numbers as one block of bytes: little-endian float32, or 8 bits a weight with a scale for each row."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from charlm.config import Weights
from charlm.stepping.base import Floats
from charlm.stepping.int8 import round_rows

_ALIGNMENT = 4


class NamedArray(NamedTuple):
    """An array that the engine knows by its name: a matrix `[rows, columns]`, or a vector."""

    name: str
    values: Floats


def pack_arrays(arrays: Iterable[NamedArray], *, weights: Weights) -> tuple[list[dict[str, Any]], bytes]:
    """Returns where each array lies, as JSON values, and the block.

    Args:
        weights: how matrices are kept; vectors are float32. With int8 the rows of a matrix come first, then the scales.
    """
    described: list[dict[str, Any]] = []
    block = bytearray()
    for name, values in arrays:
        is_rounded = weights == "int8" and values.ndim == 2
        rows, columns = values.shape if values.ndim == 2 else (len(values), 1)
        kind = "int8" if is_rounded else "float32"
        described.append({"name": name, "rows": rows, "columns": columns, "type": kind, "offset": len(block)})
        if is_rounded:
            integers, scales = round_rows(values)
            block += integers.astype(np.int8).tobytes()
            block += bytes(-len(block) % _ALIGNMENT)
            block += scales.astype("<f4").tobytes()
        else:
            block += np.ascontiguousarray(values).astype("<f4").tobytes()
    return described, bytes(block)
