"""The states of a model while it reads a text."""

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.stepping.base import StepModel
from charlm.stepping.restarting import restarting


def read_states(model: StepModel, tokens: Tokens, tokenizer: Tokenizer) -> tuple[NDArray[np.generic], ...]:
    """Returns each part of a model's state after each symbol, `[symbols, …]`; a record begins with the first state."""
    first = model.initial_state(1)
    parts = tuple(np.empty((len(tokens), *np.delete(part.shape, 1)), dtype=part.dtype) for part in first)
    stepper = restarting(model, tokenizer.begin).stepper(first)
    for place in range(len(tokens)):
        stepper.step(tokens[place : place + 1])
        for part, now in zip(parts, stepper.state(), strict=True):
            part[place] = now[:, 0]
    return parts
