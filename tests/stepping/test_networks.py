"""Activations of dense networks seen and held; that they predict as in training is in test_build.py."""

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.stepping.base import HeldUnit, StepModel
from charlm.stepping.build import build_observed, build_step_model
from charlm.stepping.shapes import unit_state, weight_shapes

KINDS = [{"model": "mlp", "window": 3}, {"cell": "jordan", "feedback": "output"}, {"cell": "jordan"}]


def small(options: dict, held: list[HeldUnit] | None = None) -> tuple[StepModel, dict, int]:
    config = ModelConfig(hidden_size=4, num_layers=2, embedding_size=2, residual=True, **options)
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, vocabulary_size=5)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    arguments = {"vocabulary_size": 5, "source": "a test"}
    part, value = unit_state(config)
    assert value == "h"
    if held is None:
        return build_observed(config, weights, **arguments), weights, part
    return build_step_model(config, weights, **arguments, held=held), weights, part


@pytest.mark.parametrize("options", KINDS)
def test_the_state_ends_with_the_activations_that_lead_to_the_logits(options) -> None:
    model, weights, part = small(options)
    stepper = model.stepper(model.initial_state(2))
    for tokens in ([1, 4], [2, 2], [3, 0]):
        logits = stepper.step(np.array(tokens))
    first, second = stepper.state()[part]
    assert np.allclose(second, np.tanh(first @ weights["layers.1.weight"].T + weights["layers.1.bias"]), atol=1e-6)
    expected = (first + second) @ weights["output.weight"].T + weights["output.bias"]
    assert np.allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("options", KINDS)
def test_held_units_have_their_values_in_every_step(options) -> None:
    _, weights, part = small(options)
    held, _, _ = small(options, [HeldUnit(part, 0, 3, 2.0), HeldUnit(part, 1, unit=0, value=-5.0)])
    stepper = held.stepper(held.initial_state(1))
    for token in (1, 4, 2):
        logits = stepper.step(np.array([token]))
        first, second = stepper.state()[part][:, 0]
        assert first[3] == 2.0
        assert second[0] == -5.0
        expected = np.tanh(weights["layers.1.weight"] @ first + weights["layers.1.bias"])
        assert np.allclose(second[1:], expected[1:], atol=1e-6)
        output = weights["output.weight"] @ (first + second) + weights["output.bias"]
        assert np.allclose(logits[0], output, atol=1e-5)


def test_looking_changes_nothing() -> None:
    for options in KINDS:
        seen, _, _ = small(options)
        plain, _, _ = small(options, [])
        one, other = (each.stepper(each.initial_state(1)) for each in (seen, plain))
        for token in (0, 3, 3):
            assert np.array_equal(one.step(np.array([token])), other.step(np.array([token])))
