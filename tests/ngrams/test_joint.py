"""Streams that are looked up together against streams by themselves."""

import numpy as np
import pytest

from charlm.ngrams import joint
from charlm.ngrams.build import count_model
from charlm.ngrams.joint import JointNgramStepper
from charlm.ngrams.stepping import NgramStepModel

SIZE, NUM_STREAMS = 6, 20
RANDOM = np.random.default_rng(1)
TEXT = RANDOM.choice(5, size=400, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.uint8)
# As the text goes on, and as it never does: symbol 5 is not in it.
TOKENS = np.concatenate((TEXT.reshape(-1, NUM_STREAMS), RANDOM.integers(0, SIZE, (20, NUM_STREAMS))))


def models_of(order, **settings):
    model = count_model(TEXT, order=order, smoothing="kneser-ney", vocabulary_size=SIZE, **settings).model
    return NgramStepModel(model), NgramStepModel(model, jointly=True)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("most_kept", [0, 1 << 22])
def test_streams_together_are_those_by_themselves(order, most_kept, monkeypatch):
    monkeypatch.setattr(joint, "_MOST_KEPT_NUMBERS", most_kept)
    alone, together = (model.stepper(model.initial_state(NUM_STREAMS)) for model in models_of(order))
    assert isinstance(together, JointNgramStepper)
    for tokens in TOKENS:
        assert together.probabilities_after(tokens) == pytest.approx(alone.probabilities_after(tokens), rel=1e-5)
        assert np.array_equal(together.confidence(), alone.confidence())
        assert np.array_equal(together.totals(), alone.totals())
        assert np.array_equal(together.state(), alone.state())


def test_a_stepper_goes_on_from_a_state():
    _, model = models_of(4)
    stepper = model.stepper(model.initial_state(NUM_STREAMS))
    for tokens in TOKENS[:10]:
        stepper.step(tokens)
    again = model.stepper(stepper.state())
    assert np.array_equal(again.step(TOKENS[10]), stepper.step(TOKENS[10]))


def test_few_streams_are_by_themselves():
    exact, model = models_of(4)
    one, other = (each.stepper(each.initial_state(8)) for each in (exact, model))
    for tokens in TOKENS[:10, :8]:
        assert np.array_equal(one.step(tokens), other.step(tokens))
