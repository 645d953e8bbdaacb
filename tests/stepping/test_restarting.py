import numpy as np

from charlm.config import ModelConfig
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_step_model
from charlm.stepping.restarting import restarting
from charlm.stepping.shapes import weight_shapes

BEGIN = 0


def small_model() -> StepModel:
    config = ModelConfig(cell="gru", hidden_size=3, num_layers=2, embedding_size=2)
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, vocabulary_size=5)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return build_step_model(config, weights, vocabulary_size=5, source="a test")


def state_after(model: StepModel, tokens: list[int]) -> np.ndarray:
    stepper = model.stepper(model.initial_state(1))
    for token in tokens:
        stepper.step(np.array([token]))
    return stepper.state()[0]


def test_a_record_is_read_as_if_it_were_alone() -> None:
    model = small_model()
    records = restarting(model, BEGIN)
    assert np.array_equal(state_after(records, [3, BEGIN, 1, 2, BEGIN, 4]), state_after(model, [BEGIN, 4]))
    assert np.array_equal(state_after(records, [3, 1]), state_after(model, [3, 1]))
    assert np.array_equal(
        records.read(np.array([3, BEGIN, 4]), records.initial_state(1))[0],
        model.read(np.array([BEGIN, 4]), model.initial_state(1))[0],
    )


def test_streams_begin_records_on_their_own() -> None:
    model = small_model()
    stepper = restarting(model, BEGIN).stepper(model.initial_state(2))
    for tokens in ([1, 2], [BEGIN, 3], [4, 4]):
        stepper.step(np.array(tokens))
    both = stepper.state()[0]
    assert np.array_equal(both[:, :1], state_after(model, [BEGIN, 4]))
    assert np.array_equal(both[:, 1:], state_after(model, [2, 3, 4]))


def test_running_text_needs_no_other_model() -> None:
    model = small_model()
    assert restarting(model, None) is model
