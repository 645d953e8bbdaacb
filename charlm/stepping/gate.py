"""The gate between a network and an n-gram model, without torch; its equation is in charlm/models/mixture.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.stepping.base import Floats, float32_copy


@dataclass(frozen=True)
class Gate:
    """A network of one hidden layer; the logistic function of its output is the network's share.

    Attributes:
        hidden: `[features + 2, units]`: of the n-grams' confidence, and of the network's entropy and surprise.
        hidden_bias: `[units]`.
        output: `[units, 1]`, halved.
        output_bias: `[1]`, halved.
    """

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Gate":
        """Returns the gate whose weights these are, of the shapes that charlm/stepping/shapes.py gives."""
        return cls(
            hidden=float32_copy(arrays["hidden.weight"].T),
            hidden_bias=float32_copy(arrays["hidden.bias"]),
            output=np.multiply(arrays["output.weight"], 0.5, dtype=np.float32).T,
            output_bias=np.multiply(arrays["output.bias"], 0.5, dtype=np.float32),
        )

    def share(self, known: Floats) -> Floats:
        """Returns the network's share, `[streams, 1]`, the caller's to change.

        Args:
            known: the n-grams' confidence, the network's entropy and surprise, `[streams, features + 2]`.
        """
        sums = np.dot(known, self.hidden)
        np.add(sums, self.hidden_bias, out=sums)
        np.tanh(sums, out=sums)
        # The logistic function by way of tanh, which does not overflow; output and its bias are halved for it.
        odds: Floats = np.dot(sums, self.output)
        np.add(odds, self.output_bias, out=odds)
        np.tanh(odds, out=odds)
        np.multiply(odds, 0.5, out=odds)
        return np.add(odds, 0.5, out=odds)
