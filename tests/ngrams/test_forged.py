"""Arrays that are well-formed, but not those of a model: refused, or a model whose distributions are sound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.errors import CheckpointError
from charlm.ngrams.build import count_model
from charlm.ngrams.model import NgramModel
from charlm.ngrams.stepping import NgramStepModel

VOCABULARY = 5
TEXT = np.random.default_rng(3).integers(0, 4, 60)
NUMBERS = (-(2**31), -1, -0.5, 0, 1e-30, 0.3, 1, 1.5, 2, 7, 2**31 - 1, 2**40, np.inf, -np.inf, np.nan)
TYPES = ("int8", "int32", ">i4", "int64", ">i8", "uint64", "float16", "float32", ">f4", "float64", "bool", "complex64")


def true_arrays():
    return count_model(TEXT, order=3, smoothing="kneser-ney", vocabulary_size=VOCABULARY).model.to_arrays()


def with_numbers(array, place, numbers):
    changed = array.copy()
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.array(numbers).astype(array.dtype)
    changed[place % max(1, len(array)) :][: len(values)] = values[: len(array) - place % max(1, len(array))]
    return changed


@st.composite
def forged_arrays(draw):
    """The arrays of a model of which one to three are changed, in their numbers, their type or their shape."""
    arrays = true_arrays()
    for name in draw(st.lists(st.sampled_from(sorted(arrays)), min_size=1, max_size=3, unique=True)):
        array = arrays[name]
        match draw(st.sampled_from(["numbers", "all", "type", "length", "shape", "order"])):
            case "numbers":
                numbers = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3))
                array = with_numbers(array, draw(st.integers(0, 200)), numbers)
            case "all":
                array = with_numbers(array, 0, [draw(st.sampled_from(NUMBERS))] * len(array))
            case "type":
                array = array.astype(draw(st.sampled_from(TYPES)))
            case "length":
                array = np.resize(array, draw(st.integers(0, 80)))
            case "shape":
                array = draw(st.sampled_from([array[:1].reshape(()), array[None], array[:, None]]))
            case "order":
                array = draw(st.sampled_from([array[::-1], np.roll(array, 1), np.repeat(array[:1], len(array))]))
        arrays[name] = array
    return arrays


@settings(deadline=None, max_examples=300)
@given(
    forged_arrays(),
    st.sampled_from([1, 2, 3, 3, 3, 4, 24]),
    st.sampled_from([1, 4, VOCABULARY, VOCABULARY, VOCABULARY, 6, 10**6]),
)
def test_forged_arrays_are_refused_or_make_a_sound_model(arrays, order, vocabulary_size):
    try:
        model = NgramModel.from_arrays(arrays, order=order, vocabulary_size=vocabulary_size, source="here")
    except CheckpointError:
        return
    tokens = (TEXT[:8] % vocabulary_size)[:, None]
    contexts = model.contexts_after(tokens, model.first_contexts(1))
    distributions = model.distributions(contexts)
    assert distributions.min() > 0.0
    assert distributions.sum(axis=-1) == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(model.confidence(contexts)).all()
    steps = NgramStepModel(model)
    for num_streams in (1, 2):
        stepper = steps.stepper(steps.initial_state(num_streams))
        for row in tokens:
            assert np.isfinite(stepper.step(np.repeat(row, num_streams))).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("1.keys", lambda array: array[:1].reshape(())),
        ("2.keys", lambda array: array.reshape(-1, 1)),
        ("2.keys", lambda array: array.astype(">i8")),
        ("2.keys", lambda array: np.sort(np.concatenate((array[:-1], array[:1])))),
        ("2.seen", lambda array: array * np.float32(0.5)),
        ("2.seen", lambda array: np.ones_like(array)),
        ("2.seen", lambda array: -array),
        ("3.seen", lambda array: np.where(np.arange(len(array)) == 1, np.float32(np.inf), array)),
        ("1.backoff", lambda array: np.zeros_like(array)),
        ("3.backoff", lambda array: np.full_like(array, np.nan)),
        ("2.totals", lambda array: -array),
        ("2.distinct", lambda array: array + 1000),
        ("3.distinct", lambda array: -array - 1),
    ],
)
def test_each_kind_of_forgery_is_named_with_its_order(name, change):
    arrays = true_arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises(CheckpointError, match=rf"order {name[0]} in 'the file'"):
        NgramModel.from_arrays(arrays, order=3, vocabulary_size=VOCABULARY, source="the file")


@pytest.mark.parametrize("begin", [None, 0])
@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
@pytest.mark.parametrize("text", [[0], [0, 1], [0, 0, 0, 0], [0, 1, 0, 2, 0, 1, 3], list(range(5)) * 3])
def test_every_counted_model_is_taken_back(text, smoothing, begin):
    model = count_model(np.array(text), order=4, smoothing=smoothing, vocabulary_size=VOCABULARY, begin=begin).model
    again = NgramModel.from_arrays(model.to_arrays(), order=model.order, vocabulary_size=VOCABULARY, source="here")
    assert np.array_equal(again.of_empty_context, model.of_empty_context)
