"""What holds of every model that is read one symbol at a time."""

import numpy as np
import pytest
import torch

from charlm.models.base import Network
from charlm.stepping.base import StepModel


def assert_steps_are_those_of(
    model: Network, steps: StepModel, tokens: torch.Tensor, *, restart_at: int, tolerance: float
) -> None:
    """Asserts that logits symbol by symbol are those of a whole window, on from a stored state, too.

    Args:
        tokens: `[time, batch]`.
        restart_at: the symbol before which the steps go on from their state in a new stepper.
    """
    num_streams = tokens.shape[1]
    with torch.no_grad():
        expected, _ = model(tokens, model.initial_state(num_streams))
    stepper = steps.stepper(steps.initial_state(num_streams))
    for time, row in enumerate(tokens.numpy()):
        if time == restart_at:
            stepper = steps.stepper(stepper.state())
        # What all logits have in common means nothing.
        steps_of_row = torch.from_numpy(stepper.step(row)).log_softmax(-1)
        assert steps_of_row.numpy() == pytest.approx(expected[time].log_softmax(-1).numpy(), abs=tolerance)


def assert_reading_leaves_the_state_of_steps(steps: StepModel, tokens: np.ndarray, *, tolerance: float) -> None:
    """Asserts that a text `[time]` read at once leaves the state that steps over it leave."""
    stepper = steps.stepper(steps.initial_state(1))
    for token in tokens:
        stepper.step(np.array([token]))
    for one, other in zip(steps.read(tokens, steps.initial_state(1)), stepper.state(), strict=True):
        assert one == pytest.approx(other, abs=tolerance)
