import numpy as np
import pytest

from charlm.errors import CheckpointError
from charlm.ngrams.build import count_model
from charlm.ngrams.grams import Grams
from charlm.ngrams.model import NgramModel, make_level
from charlm.ngrams.smoothing import witten_bell
from charlm.ngrams.stepping import NgramStepModel
from tests.support.steps import assert_reading_leaves_the_state_of_steps

TEXT = np.random.default_rng(1).choice(5, size=400, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.uint8)


def model_of(text=TEXT, order=4, **settings):
    return count_model(text, order=order, smoothing="kneser-ney", vocabulary_size=6, **settings).model


def test_the_probability_of_one_symbol_is_that_in_the_distribution():
    model = model_of()
    contexts = model.contexts_after(TEXT.reshape(100, 4), model.first_contexts(4))
    targets = np.roll(TEXT.reshape(100, 4), 1)
    picked = np.take_along_axis(model.distributions(contexts), targets[..., None].astype(np.int64), axis=-1)[..., 0]
    assert model.probabilities(contexts, targets) == pytest.approx(picked, rel=1e-12)


def test_contexts_are_the_same_in_one_reading_and_in_pieces():
    model = model_of()
    whole = model.contexts_after(TEXT[:, None], model.first_contexts(1))
    first = model.contexts_after(TEXT[:7, None], model.first_contexts(1))
    rest = model.contexts_after(TEXT[7:, None], first[:, -1])
    assert np.array_equal(np.concatenate([first, rest], axis=1), whole)


def test_confidence_by_hand():
    # 0 is followed by 1 twice and by 2 once; 0 1 by 0 twice.
    model = model_of(np.array([0, 1, 0, 1, 0, 2]), order=3)
    contexts = model.contexts_after(np.array([[0], [1], [5]]), model.first_contexts(1))[:, :, 0]
    counts = np.expm1(4 * model.confidence(contexts)).round(3)
    assert counts.tolist() == [[6, 3, 0, 3, 2, 0], [6, 2, 2, 3, 1, 1], [6, 0, 0, 3, 0, 0]]


def test_more_symbols_than_an_int32_counts_are_evidence_all_the_same():
    grams = Grams(np.array([0, 1]), np.array([3_000_000_000, 5]), num_contexts=1, vocabulary_size=2)
    level = make_level(grams, witten_bell(grams))
    model = NgramModel([level], vocabulary_size=2)
    again = NgramModel.from_arrays(model.to_arrays(), order=1, vocabulary_size=2, source="x")
    assert again.totals(again.first_contexts(1)).tolist() == [[2**31 - 1]]
    assert np.isfinite(again.confidence(again.first_contexts(1))).all()


@pytest.mark.parametrize("num_streams", [1, 2])
def test_steppers_are_as_confident_as_readers(num_streams):
    model = model_of()
    steps = NgramStepModel(model)
    stepper = steps.stepper(steps.initial_state(num_streams))
    tokens = TEXT[:60].reshape(-1, num_streams)
    contexts = model.contexts_after(tokens, model.first_contexts(num_streams))
    for time, row in enumerate(tokens):
        stepper.step(row)
        assert stepper.confidence() == pytest.approx(model.confidence(contexts[:, time]), abs=1e-6)


@pytest.mark.parametrize("num_streams", [1, 3])
def test_steps_tell_what_reading_tells(num_streams):
    model = model_of()
    steps = NgramStepModel(model)
    tokens = np.random.default_rng(2).integers(0, 6, (50, num_streams))
    expected = model.distributions(model.contexts_after(tokens, model.first_contexts(num_streams)))
    stepper = steps.stepper(steps.initial_state(num_streams))
    for time, row in enumerate(tokens):
        if time == 20:
            stepper = steps.stepper(stepper.state())
        assert np.exp(stepper.step(row)) == pytest.approx(expected[time], rel=1e-5)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 90])
def test_reading_ahead_leaves_the_state_of_steps(length):
    steps = NgramStepModel(model_of())
    assert_reading_leaves_the_state_of_steps(steps, TEXT[:length], tolerance=0)


def test_arrays_bring_the_model_back():
    model = model_of()
    again = NgramModel.from_arrays(model.to_arrays(), order=4, vocabulary_size=6, source="here")
    contexts = model.contexts_after(TEXT[:, None], model.first_contexts(1))
    assert np.array_equal(again.distributions(contexts), model.distributions(contexts))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("2.keys", lambda array: array[::-1].copy()),
        ("2.keys", lambda array: array * 1000),
        ("2.keys", lambda array: array[:-1]),
        ("1.keys", lambda array: array - 1),
        ("3.seen", lambda array: array * np.nan),
        ("3.seen", lambda array: array.astype(np.float64)),
        ("2.backoff", lambda array: array + 2),
        ("4.totals", lambda array: array[:0]),
        ("4.distinct", None),
    ],
)
def test_damaged_arrays_are_refused(name, change):
    arrays = model_of().to_arrays()
    array = arrays.pop(name)
    if change is not None:
        arrays[name] = change(array)
    with pytest.raises(CheckpointError, match="'the file'"):
        NgramModel.from_arrays(arrays, order=4, vocabulary_size=6, source="the file")


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_distributions_are_the_probabilities_of_all_symbols_wherever_contexts_come_again(order):
    # Short contexts, which come again and again, are computed once; those that are not known are each their own.
    text = np.concatenate((TEXT, [5, 0, 1, 5, 5], TEXT[:50]))[:, None]
    model = model_of(order=order)
    contexts = model.contexts_after(text, model.first_contexts(1))
    found = model.distributions(contexts)
    assert found.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)
    for symbol in range(6):
        assert found[..., symbol] == pytest.approx(model.probabilities(contexts, np.full_like(text, symbol)), rel=1e-9)
    assert model.distributions(contexts[:, :0]).shape == (0, 1, 6)


def test_totals_by_hand():
    # 0 is followed by 1 twice and by 2 once; 0 1 by 0 twice.
    model = model_of(np.array([0, 1, 0, 1, 0, 2]), order=3)
    contexts = model.contexts_after(np.array([[0], [1], [5]]), model.first_contexts(1))
    assert model.totals(contexts).tolist() == [[[6, 3, 0]], [[6, 2, 2]], [[6, 0, 0]]]
