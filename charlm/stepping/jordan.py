"""The Jordan network, one symbol at a time; its equations are in charlm/models/jordan.py."""

from collections.abc import Callable
from typing import final

import numpy as np

from charlm.config import Feedback, Nonlinearity
from charlm.stepping.base import Arrays, Floats, State, Symbols, float32_copy, logistic
from charlm.stepping.layer_outputs import Norm, normalized, stored_norm
from charlm.stepping.matrices import multiply_rows
from charlm.stepping.networks import SteppedNetwork

_ACTIVATIONS: dict[Nonlinearity, Callable[[Floats], Floats]] = {
    "tanh": np.tanh,
    "relu": lambda sums: np.maximum(sums, np.float32(0.0)),
    "sigmoid": logistic,
}


@final
class JordanStepModel(SteppedNetwork):
    """A StepModel of weights in memory; its state is the last prediction, `[1, streams, vocabulary]`."""

    def __init__(
        self, weights: Arrays, *, num_layers: int, nonlinearity: Nonlinearity, feedback: Feedback, residual: bool
    ) -> None:
        self.is_teacher_forced = feedback == "target"
        self.feedback = float32_copy(weights["feedback.weight"])
        first = float32_copy(weights["layers.0.weight"])
        embedding = float32_copy(weights["embedding.weight"])
        # What a symbol adds to the first layer; teacher-forced, by way of the feedback, too.
        self.table: Floats = embedding @ first.T + float32_copy(weights["layers.0.bias"])
        if self.is_teacher_forced:
            self.table = self.table + self.feedback
        self.layers = [
            (float32_copy(weights[f"layers.{index}.weight"]).T, float32_copy(weights[f"layers.{index}.bias"]))
            for index in range(1, num_layers)
        ]
        self.norms: list[Norm | None] = [stored_norm(weights, index) for index in range(num_layers)]
        self.output = float32_copy(weights["output.weight"]).T
        self.output_bias = float32_copy(weights["output.bias"])
        self.vocabulary_size = len(self.output_bias)
        self.activation = _ACTIVATIONS[nonlinearity]
        self.residual = residual

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros: nothing was predicted."""
        return (np.zeros((1, batch_size, self.vocabulary_size), dtype=np.float32),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the last prediction; teacher-forced, it depends on the last symbol alone."""
        return super().read(tokens[-1:] if self.is_teacher_forced else tokens, state)

    def advance(self, tokens: Symbols, state: State) -> tuple[Floats, State]:
        """Returns the logits, and the distribution that they give."""
        sums = self.table[tokens]
        if not self.is_teacher_forced:
            sums = sums + multiply_rows(state[0][0], self.feedback)
        outputs = normalized(self.activation(sums), self.norms[0])
        for (weights, bias), norm in zip(self.layers, self.norms[1:], strict=True):
            inputs = outputs
            outputs = self.activation(multiply_rows(inputs, weights) + bias)
            outputs = normalized(outputs + inputs if self.residual else outputs, norm)
        logits: Floats = multiply_rows(outputs, self.output) + self.output_bias
        likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
        return logits, ((likelihoods / likelihoods.sum(axis=1, keepdims=True))[None],)
