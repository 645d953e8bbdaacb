"""The Jordan network, one symbol at a time; its equations are in charlm/models/jordan.py."""

from collections.abc import Callable
from typing import final

import numpy as np

from charlm.config import Feedback, Nonlinearity
from charlm.stepping.base import Arrays, Floats, State, Symbols, float32_copy, logistic
from charlm.stepping.matrices import multiply_rows, multiply_unshared
from charlm.stepping.networks import DenseNetwork, Touch

_ACTIVATIONS: dict[Nonlinearity, Callable[[Floats], Floats]] = {
    "tanh": np.tanh,
    "relu": lambda sums: np.maximum(sums, np.float32(0.0)),
    "sigmoid": logistic,
}


@final
class JordanStepModel(DenseNetwork):
    """A StepModel of weights in memory; its state is the last prediction, `[1, streams, vocabulary]`."""

    def __init__(
        self, weights: Arrays, *, num_layers: int, nonlinearity: Nonlinearity, feedback: Feedback, residual: bool
    ) -> None:
        super().__init__(weights, num_layers=num_layers, residual=residual, activation=_ACTIVATIONS[nonlinearity])
        self.is_teacher_forced = feedback == "target"
        self.feedback = float32_copy(weights["feedback.weight"])
        # What a symbol adds to the first layer; teacher-forced, by way of the feedback, too.
        self.table: Floats = multiply_unshared(self.embedding, self.first.T) + self.biases[0]
        if self.is_teacher_forced:
            self.table = self.table + self.feedback

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros: nothing was predicted."""
        return (np.zeros((1, batch_size, self.vocabulary_size), dtype=np.float32),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the last prediction; teacher-forced, it depends on the last symbol alone."""
        return super().read(tokens[-1:] if self.is_teacher_forced else tokens, state)

    def advance(self, tokens: Symbols, state: State, touch: Touch | None = None) -> tuple[Floats, State]:
        """Returns the logits, and the distribution that they give."""
        sums = self.table[tokens]
        if not self.is_teacher_forced:
            sums = sums + multiply_rows(state[0][0], self.feedback)
        logits = self.hidden_to_logits(sums, touch)
        likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
        return logits, ((likelihoods / likelihoods.sum(axis=1, keepdims=True))[None],)
