"""The Jordan network, one symbol at a time; its equations are in charlm/models/jordan.py."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.config import Feedback, Nonlinearity
from charlm.stepping.base import Floats, State, Symbols, float32_copy, logistic, read_by_steps
from charlm.stepping.layer_outputs import Norm, normalized, stored_norm


@final
class JordanStepModel:
    """A StepModel of weights in memory; its state is the last prediction, `[1, streams, vocabulary]`.

    Args:
        weights: named and shaped as the model's modules name and shape them.
    """

    def __init__(
        self,
        weights: Mapping[str, NDArray[Any]],
        *,
        num_layers: int,
        nonlinearity: Nonlinearity,
        feedback: Feedback,
        residual: bool,
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
        self.nonlinearity = nonlinearity
        self.residual = residual

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros: nothing was predicted."""
        return (np.zeros((1, batch_size, self.vocabulary_size), dtype=np.float32),)

    def read(self, tokens: Symbols, state: State) -> State:
        """Returns the state of one stream after a whole text, `[time]`."""
        return read_by_steps(self.stepper(state), tokens[-1:] if self.is_teacher_forced else tokens)

    def stepper(self, state: State) -> "JordanStepper":
        """Returns a stepper that goes on from `state`, with as many streams as that has."""
        return JordanStepper(self, state[0][0].copy())


@final
class JordanStepper:
    """Streams that the network reads."""

    def __init__(self, model: JordanStepModel, predicted: Floats) -> None:
        self._model = model
        self._predicted = predicted

    def step(self, tokens: Symbols) -> Floats:
        """Reads one symbol in every stream and returns the logits of the next, `[streams, vocabulary]`."""
        model = self._model
        sums = model.table[tokens]
        if not model.is_teacher_forced:
            sums = sums + self._predicted @ model.feedback
        outputs = normalized(_activated(sums, model.nonlinearity), model.norms[0])
        for (weights, bias), norm in zip(model.layers, model.norms[1:], strict=True):
            inputs = outputs
            outputs = _activated(inputs @ weights + bias, model.nonlinearity)
            outputs = normalized(outputs + inputs if model.residual else outputs, norm)
        logits: Floats = outputs @ model.output + model.output_bias
        likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
        self._predicted = likelihoods / likelihoods.sum(axis=1, keepdims=True)
        return logits

    def state(self) -> State:
        """Returns a copy of the last prediction."""
        return (self._predicted[None].copy(),)


def _activated(sums: Floats, nonlinearity: Nonlinearity) -> Floats:
    match nonlinearity:
        case "tanh":
            return np.tanh(sums)
        case "relu":
            return np.maximum(sums, np.float32(0.0))
        case "sigmoid":
            return logistic(sums)
