import numpy as np

from charlm.config import ModelConfig
from charlm.stepping.base import HeldUnit
from charlm.stepping.build import build_step_model
from charlm.stepping.held import HeldModel
from charlm.stepping.shapes import weight_shapes


def small_model():
    config = ModelConfig(cell="lstm", hidden_size=3, num_layers=2, embedding_size=2)
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, vocabulary_size=5)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return build_step_model(config, weights, vocabulary_size=5, source="a test")


def test_a_unit_has_its_value_before_every_step():
    model = small_model()
    held = HeldModel(model, [HeldUnit(part=1, layer=1, unit=2, value=4.0)]).stepper(model.initial_state(2))
    state = model.initial_state(2)
    for token in (1, 4, 2):
        state[1][1, :, 2] = 4.0
        by_hand = model.stepper(state)
        tokens = np.array([token, 3])
        assert np.array_equal(held.step(tokens), by_hand.step(tokens))
        state = by_hand.state()
    assert all(np.array_equal(one, other) for one, other in zip(held.state(), state, strict=True))


def test_without_units_nothing_changes():
    model = small_model()
    plain, held = model.stepper(model.initial_state(1)), HeldModel(model, []).stepper(model.initial_state(1))
    for token in (0, 3, 3):
        assert np.array_equal(plain.step(np.array([token])), held.step(np.array([token])))
